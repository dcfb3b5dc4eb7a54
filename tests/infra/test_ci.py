"""CI script, which runs each step and each check of the Makefile, stops at the first failure and prints durations."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "run"
MAKE = """#!/bin/sh
echo "made $*"
case "$*" in *"$FAILING"*) exit 2 ;; *"$ENDLESS"*) exec sleep 600 ;; esac
"""


def run(folder, *, failing="nothing"):
    """Run the script with a stand-in for `make`. Return the status, the output and the rows of the table.

    If `failing` is a check, the other checks do not end before the script stops them.
    """
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "FAILING": failing}
    environment["ENDLESS"] = "check WHAT=" if failing.startswith("WHAT=") else "nothing"
    command = ["bash", str(folder / ".ci" / "run")]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False, timeout=300)
    _, _, table = done.stdout.rpartition("seconds\n")
    return done.returncode, done.stdout, [line.split() for line in table.splitlines()]


def test_every_ci_step_runs_and_is_in_the_summary(tmp_path):
    status, output, rows = run(tmp_path)
    assert status == 0, output
    steps = re.findall(r"^    ([a-z-]+)\) .*make ", SCRIPT.read_text(), re.MULTILINE)
    (checks,) = re.findall(r"^CHECKS := (.+) test$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert (rows[0][0], rows[-1][0]) == ("setup", "all")
    assert sorted(row[0] for row in rows[:-1]) == sorted([*steps, *checks.split()])
    for arguments in (
        "check WHAT=lint",
        "check WHAT=types",
        "test ARGS=-n 0 tests/unit/functions",
        "slow WHAT=system",
        "slow WHAT=ci",
        "web WHAT=test",
    ):
        assert f"made {arguments}" in output


def test_lanes_together_run_each_test_once():
    script = SCRIPT.read_text(encoding="utf-8")
    (paths,) = re.findall(r"unit-functions\) make test ARGS=\"-n 0 (.*)\"", script)
    (rest,) = re.findall(r" unit\) make test ARGS=\"-n 0 (.*?) --ignore", script)
    tested = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    complete = {path for path in paths.split() if path in tested}
    assert {*rest.split(), *complete} == set(tested)  # pytest does not ignore a path that is also an argument.
    assert not complete & set(rest.split())
    assert all(f"--ignore {path}" in script for path in set(paths.split()) - complete)
    (suites,) = re.findall(r"slow-api\) make slow WHAT=\"(.*)\" ARGS=\"-m ci\"", script)
    assert (
        f'slow) make slow WHAT=ci ARGS="-n 0 {" ".join(f"--ignore tests/slow/{s}" for s in suites.split())}"' in script
    )


@pytest.mark.parametrize(
    ("failing", "step", "not_begun"),
    [
        ("WHAT=prose", "prose", "test"),
        ("WHAT=types", "types", None),
        ("slow WHAT=system", "system", None),
        ("WHAT=lint", "lint", "check WHAT=types"),  # The failure ends the steps of other lanes.
    ],
)
def test_failing_step_is_reported_and_ends_the_other_steps(tmp_path, failing, step, not_begun):
    status, output, rows = run(tmp_path, failing=failing)

    assert status == 1
    assert [row[0] for row in rows if row[-1] == "failed"] == [step]
    assert rows[-1][0] == "all", output
    assert not_begun is None or f"made {not_begun}" not in output
