"""The CI script runs each step, ends at the first that fails, and closes with the seconds of each."""

import os
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
MAKE = """#!/bin/sh
echo "made $*"
case "$*" in *"$FAILING"*) exit 2 ;; esac
"""


def run(folder: Path, *, failing: str = "nothing") -> tuple[int, str, list[list[str]]]:
    """Run the script with a `make` that does nothing; return status, output and the rows of its table."""
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "FAILING": failing}
    command = ["bash", str(folder / ".ci" / "run")]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=60)
    _, _, table = done.stdout.rpartition("seconds\n")
    return done.returncode, done.stdout, [line.split() for line in table.splitlines()]


def test_every_step_has_a_row(tmp_path: Path) -> None:
    status, output, rows = run(tmp_path)
    assert status == 0, output
    steps = [
        "setup",
        "lint",
        "prose",
        "imports",
        "web-build",
        "web-check",
        "types",
        "unit",
        "system",
        "slow",
        "web-test",
    ]
    assert [row[0] for row in rows] == [*steps, "all"]
    for arguments in (
        "check WHAT=lint",
        "check WHAT=types",
        "test",
        "slow WHAT=system",
        "slow WHAT=ci",
        "web WHAT=test",
    ):
        assert f"made {arguments}\n" in output


def test_failing_rule_is_named_and_no_test_runs(tmp_path: Path) -> None:
    status, output, rows = run(tmp_path, failing="WHAT=prose")
    assert status == 1
    assert [row[0] for row in rows if row[-1] == "failed"] == ["prose"]
    assert "made test\n" not in output


def test_failing_types_are_named_and_no_test_runs(tmp_path: Path) -> None:
    status, output, rows = run(tmp_path, failing="WHAT=types")
    assert status == 1
    assert [row[0] for row in rows if row[-1] == "failed"] == ["types"]
    assert "made test\n" not in output


def test_failing_tests_are_named_and_no_later_step_runs(tmp_path: Path) -> None:
    status, output, rows = run(tmp_path, failing="slow WHAT=system")
    assert status == 1
    assert [row[0] for row in rows if row[-1] == "failed"] == ["system"]
    assert "made slow WHAT=ci\n" not in output
