"""The `alsolike` command: one verb a module, each of which loads what it needs only when it runs."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer

from alsolike.runtime.errors import AlsolikeError
from cli import (
    console,
    destroying,
    drift,
    engagement,
    evaluate,
    extras,
    keys,
    metrics,
    migrating,
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
rows.users.command("profile")(profile.profile)
rows.users.command("export")(erasing.user_data)
rows.users.command("erase")(erasing.erase)
rows.users.add_typer(erasing.app, name="erasures")
app.command("profile", hidden=True)(profile.profile)  # the names of version 0.1
app.command("user-data", hidden=True)(erasing.user_data)
app.command("erase", hidden=True)(erasing.erase)
app.add_typer(erasing.app, name="erasures", hidden=True)
app.add_typer(keys.app, name="keys")
app.command()(migrating.migrate_check)
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
app.command()(session_token.session_token)
app.command()(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(quarantine.app, name="quarantine")
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


class Format(enum.StrEnum):
    """Forms of the results on stdout."""

    TABLE = enum.auto()
    JSON = enum.auto()


@app.callback()
def _options(
    context: typer.Context,
    env: Annotated[
        str | None,
        typer.Option("--env", "-e", metavar="NAME", help="Deployment on AWS to use instead of the embedded cloud."),
    ] = None,
    aws_profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="Profile with the AWS credentials.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", metavar="NAME", help="AWS region.")] = None,
    output: Annotated[Format, typer.Option("--format", help="Form of the results.")] = Format.TABLE,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=lambda asked: _print_version(asked), help="Print the version."
        ),
    ] = False,
) -> None:
    """Set the defaults of all commands."""
    if aws_profile is not None:
        os.environ["AWS_PROFILE"] = aws_profile
    if region is not None:
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
    defaults: dict[str, Any] = {} if env is None else {"stack": env}
    if output is Format.JSON:
        defaults["as_json"] = True
    context.default_map = _for_all(context.command, defaults)


def _for_all(command: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults for each command of a group, as typer reads them."""
    below = {name: _for_all(one, defaults) for name, one in getattr(command, "commands", {}).items()}
    return {**below, **defaults}


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"alsolike {version('alsolike')}\n")
        raise typer.Exit
