"""Commands that run in this process, and their output."""

import json
import sys

import pytest
from typer.testing import CliRunner

from cli.main import app, main


def run(*arguments, **options):
    """Run a command. Its exceptions are raised unless `catch_exceptions=True` is given."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **{"catch_exceptions": False, **options})


def exit_status(monkeypatch, *arguments):
    """Run a command as its own process would, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["alsolike", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def run_json(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def cells(text):
    """Return the cells of each row of the printed tables."""
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in text.splitlines() if line.startswith("│")]
