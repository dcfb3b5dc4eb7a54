"""Every benchmark except that of Spark runs to its end with its smallest input."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.serving import TABLES

ROOT = Path(__file__).parents[3]
COMMANDS = [
    *(f"benchmarks {name}" for name in BENCHMARKS),
    *(f"benchmarks.serving {name}" for name in TABLES),
    "benchmarks.attribution 100k",
    "benchmarks.training 1M --algorithms popularity,item_knn",
    "benchmarks.actions",
    "benchmarks.costs",
    "benchmarks.first_hour",
    "benchmarks.forecasting --seeds 1",
    "benchmarks.frozen_defaults",
    "benchmarks.importing memory 100000",
    "benchmarks.networks --interactions 20000 --items 1000",
    "benchmarks.quality beauty --interactions interactions.csv --without sasrec",
    "benchmarks.quality ml-100k --interactions interactions.csv --without sasrec --seeds 2 --shuffle-ties",
    "benchmarks.stacking ml-100k --interactions interactions.csv",
    "benchmarks.cold_texts online-retail --interactions interactions.csv --items items.csv",
    "benchmarks.related online-retail --interactions interactions.csv",
    "benchmarks.reranking",
    "benchmarks.segments --algorithm popularity",
    "benchmarks.fatigue",
    "benchmarks.scale",
]
NEURAL = ("benchmarks.networks",)
"""Benchmarks that need torch."""


def write_interactions(path):
    rows = (
        f"u{user},i{(user * 7 + number * number) % 100},{1_700_000_000 + number * 86_400},purchase"
        for user in range(200)
        for number in range(20)
    )
    path.write_text("\n".join(("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *rows)) + "\n")


def write_items(path):
    words = ("amber", "birch", "coral", "denim", "ebony", "flint", "green", "hazel", "ivory", "jade")
    path.write_text("ITEM_ID,TITLE\n" + "".join(f"i{n},{words[n // 10]} {words[n % 10]}\n" for n in range(100)))


def test_every_name_of_make_bench_is_run():
    """`benchmarks.spark` needs Java, and `make slow WHAT=spark` runs the same code."""
    (names,) = re.findall(r"^bench:.*WHAT=([^)]*)", (ROOT / "Makefile").read_text(), re.MULTILINE)

    run = {command.split()[0].partition(".")[2] for command in COMMANDS}
    assert set(names.split(", ")) - run == {"spark"}


@pytest.mark.parametrize("command", COMMANDS)
def test_benchmark_prints_its_table(command, tmp_path):
    if command.startswith(NEURAL) and importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: make setup WITH=neural")
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("assets", "images"))
    write_interactions(tmp_path / "interactions.csv")
    write_items(tmp_path / "items.csv")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2_000:]
    assert re.search(r"[|┃]|frozen-defaults-.*\.md", done.stdout + done.stderr), done.stdout[-500:]
