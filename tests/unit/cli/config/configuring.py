"""Runner of `alsolike config`."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from cli import main as command

HEAVIER_VIEWS = "# views matter\nformat: 1\nevents: {view: {weight: 2}}\n"


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command.app, ["config", *arguments], input=stdin, catch_exceptions=False)
