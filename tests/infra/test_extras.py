"""Command line without any extra. A command that needs an extra names it."""

import subprocess
import sys

import pytest

from operations.extras import MODULES

WITHOUT_EXTRAS = """
import sys

class Without:
    def __init__(self, finder): self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {modules!r} else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Without, sys.meta_path)
"""


def run(program, *arguments, folder, without):
    command = [sys.executable, "-c", WITHOUT_EXTRAS.format(modules=without) + program, *arguments]
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)


def test_command_modules_need_no_extra(tmp_path):
    """The exception is the demo, which runs the embedded cloud and compares results with a reference model."""
    imported = """
import importlib, pkgutil, cli
for module in pkgutil.walk_packages(cli.__path__, "cli."):
    if not module.name.startswith("cli.demo.") or module.name == "cli.demo.command":
        importlib.import_module(module.name)
"""
    done = run(imported, folder=tmp_path, without=set(MODULES))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["up"], "local"),
        (["demo"], "demo"),
        (["evaluate", "--interactions", "missing.csv", "--protocol", "temporal"], "train"),
        (["replay", "--day", "2026-11-25", "--config", "missing.yaml"], "train"),
        (["mcp"], "mcp"),
        (["cost", "--users", "100"], "deploy"),
    ],
)
def test_command_names_the_missing_extra_before_it_reads_files(tmp_path, arguments, extra):
    missing = {module for module, owner in MODULES.items() if owner == extra}
    done = run("from cli.main import main; main()", *arguments, folder=tmp_path, without=missing)
    assert done.returncode == 1
    assert done.stderr.startswith("alsolike: ")
    assert f"needs the extra '{extra}'. Install it with `pip install 'alsolike[{extra}]'`." in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_missing_module_raises_a_traceback(tmp_path):
    done = run("from cli.main import main; main()", "status", "--env", "shop", folder=tmp_path, without={"botocore"})
    assert "Traceback" in done.stderr
