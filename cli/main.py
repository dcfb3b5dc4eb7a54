"""The `alsolike` command: one verb a module, each of which loads what it needs only when it runs."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from alsolike.runtime.errors import AlsolikeError
from cli import (
    access_token,
    console,
    destroying,
    drift,
    engagement,
    evaluate,
    extras,
    metrics,
    models,
    openapi,
    profile,
    recommend,
    rows,
    rules,
    session_token,
    status,
    train,
    trends,
    up,
    website,
)
from cli.config import command as config
from cli.costing import command as costing
from cli.demo import command as demo
from cli.erasing import command as erasing
from cli.experimenting import command as experimenting
from cli.explaining import command as explaining
from cli.filtering import command as filtering
from cli.importing import command as importing
from cli.quarantine import command as quarantine
from cli.rebuilding import command as rebuilding
from cli.restoring import command as restoring
from cli.termination import terminated_like_interrupted
from operations import progress

progress.report_to(console)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich takes longer than all else that `--help` does
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The open, serverless recommender for a shop's own AWS account.",
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(up.down)
app.command()(up.reset)
app.command()(status.status)
app.add_typer(website.app, name="web")
app.add_typer(importing.app, name="import")
app.add_typer(rows.items, name="items")
app.add_typer(rows.users, name="users")
app.add_typer(config.app, name="config")
app.add_typer(filtering.app, name="filters")
app.add_typer(rules.app, name="rules")
app.add_typer(experimenting.app, name="experiments")
app.command()(train.train)
app.command()(recommend.recommend)
app.command()(explaining.explain)
app.command()(trends.trends)
app.command()(engagement.engagement)
app.command()(drift.drift)
app.command()(metrics.metrics)
app.command()(access_token.token)
app.command()(session_token.session_token)
app.command()(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(quarantine.app, name="quarantine")
app.command()(profile.profile)
app.command()(erasing.erase)
app.add_typer(erasing.app, name="erasures")
app.command()(erasing.user_data)
app.add_typer(rebuilding.app, name="rebuild")
app.command()(restoring.restore)
app.command()(destroying.destroy)
app.command()(costing.cost)
app.command()(openapi.openapi)


def main() -> None:
    """Run the command line; an error that Alsolike foresaw is one line on stderr and exit status 1."""
    try:
        with terminated_like_interrupted():
            app()
    except AlsolikeError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        missing = extras.of_module(error.name)
        if missing is None:
            raise
        _fail(missing)


def _fail(error: AlsolikeError) -> NoReturn:
    console.say(f"alsolike: {error}")
    sys.exit(1)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=lambda asked: _print_version(asked), help="Print the version."
        ),
    ] = False,
) -> None: ...


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"alsolike {version('alsolike')}\n")
        raise typer.Exit
