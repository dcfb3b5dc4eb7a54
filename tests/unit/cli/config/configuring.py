"""Runner of `alsolike config`."""

from tests.unit.cli import command_line

HEAVIER_VIEWS = "# views matter\nformat: 1\nevents: {view: {weight: 2}}\n"


def run(*arguments, stdin=None, **options):
    return command_line.run("config", *arguments, input=stdin, **options)
