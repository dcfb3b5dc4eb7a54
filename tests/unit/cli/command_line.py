"""Commands that run in this process, and their output."""

import json
import sys

import pytest
from typer.testing import CliRunner

from cli.main import app, main


def run(*arguments, exit_code=None, **options):
    """Run a command. Its exceptions are raised unless `catch_exceptions=True` is given. Check a given exit status."""
    options = {"catch_exceptions": False, **options}
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
    assert exit_code in (None, result.exit_code), result.output
    return result


def exit_status(monkeypatch, *arguments):
    """Run a command as its own process would, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["alsolike", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def run_json(*arguments):
    return json.loads(run(*arguments, "--json", exit_code=0).stdout)


def cells(text):
    """Return the cells of each row of the printed tables."""
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in text.splitlines() if line.startswith("│")]
