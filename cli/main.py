"""The `alsolike` command."""

from __future__ import annotations

import gc
import itertools
import json
import signal
import sys
from typing import Annotated, NoReturn

import typer
from typer import Option

from alsolike.runtime.errors import AlsolikeError
from cli import terminal
from cli.group import Entry, Everywhere, LazyGroup, separated, set_defaults
from operations import progress

progress.report_to(terminal)


class Commands(LazyGroup):
    """Commands of `alsolike`, in the order of the help."""

    entries = (
        Entry("demo", "cli.demo.command:demo", "Run the product on a year of a grocer's purchases."),
        Entry("up", "cli.up:up", "Start the embedded cloud and keep it up."),
        Entry("down", "cli.up:down", "Stop the embedded cloud of `alsolike up` or `alsolike demo`."),
        Entry("reset", "cli.up:reset", "Delete the data of the embedded cloud."),
        Entry("status", "cli.status:status", "Show the champion, alarms, trainings and failing functions."),
        Entry("logs", "cli.logs:logs", "Show the log of a function."),
        Entry("web", "cli.website:app", "The pages: storefront and console."),
        Entry("import", "cli.imports:app", "Import interactions, items and users."),
        Entry("items", "cli.rows:items", "Work with items: list, show and change them."),
        Entry("users", "cli.rows:users", "Work with users: list, show and change them."),
        Entry("keys", "cli.keys:app", "Manage the key pairs of the shop's servers."),
        Entry("config", "cli.config:app", "The shop's configuration: one versioned YAML file."),
        Entry("filters", "cli.filters:app", "List and check filters."),
        Entry("rules", "cli.rules:app", "Rule sets: promotions, boosts, pins and slate rules."),
        Entry("experiments", "cli.experiments:app", "A/B tests of recommenders, rule sets and models."),
        Entry("train", "cli.train:train", "Run the training workflow."),
        Entry("recommend", "cli.recommend:recommend", "Show recommendations for a user or for items."),
        Entry("segments", "cli.segments:segments", "Write the users most likely to want some items to a CSV file."),
        Entry("explain", "cli.explain:explain", "Explain a logged response and replay it."),
        Entry("replay", "cli.replay:replay", "Replay a day's requests and compare the lists."),
        Entry("trends", "cli.trends:trends", "Show trending items."),
        Entry("engagement", "cli.engagement:engagement", "Show clicks and purchases that followed recommendations."),
        Entry("fatigue", "cli.fatigue:fatigue", "Estimate the strength of fatigue from the recommendation log."),
        Entry("drift", "cli.drift:drift", "Show drift figures and thresholds."),
        Entry("metrics", "cli.monitoring:metrics", "List the custom metrics with their monthly cost."),
        Entry("prometheus", "cli.monitoring:prometheus", "Alert rules for your own Prometheus."),
        Entry("grafana", "cli.monitoring:grafana", "Dashboards for your own Grafana."),
        Entry("mcp", "cli.mcp:mcp", "Serve recommendations to AI agents (MCP)."),
        Entry("session-token", "cli.keys:session_token", "Print a session token for a browser."),
        Entry("evaluate", "cli.evaluate:evaluate", "Compare algorithms on held-out interactions."),
        Entry("models", "cli.models:app", "Model versions, promotion and rollback."),
        Entry("quarantine", "cli.quarantine:app", "Quarantine: unreadable records and failed batches."),
        Entry("rebuild", "cli.rebuild:app", "Rebuild live data, snapshot or dataset from the lake."),
        Entry("restore", "cli.restore:restore", "Restore all data to an earlier time."),
        Entry("doctor", "cli.doctor:doctor", "Check that an AWS account can have a deployment."),
        Entry("policy", "cli.doctor:policy", "Print the least-privilege policy of a deployer."),
        Entry("destroy", "cli.up:destroy", "Delete a deployment on AWS with all its data."),
        Entry("cost", "cli.cost:cost", "Compute the monthly cost of a deployment under a load."),
        Entry("migrate-check", "cli.clients:migrate_check", "List the calls of Amazon Personalize that would fail."),
        Entry("openapi", "cli.clients:openapi", "Print the OpenAPI description of the API."),
        # Aliases: the names of these commands in version 0.1.
        Entry("profile", "cli.rows:profile"),
        Entry("user-data", "cli.rows:user_data"),
        Entry("erase", "cli.rows:erase"),
        Entry("erasures", "cli.rows:erasures"),
    )


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The open, serverless recommender for a shop's own AWS account. "
    "Options other than --version also work after a command.",
)


def raise_collector_thresholds() -> None:
    # Imports and AWS clients create many permanent objects. With Python's default thresholds, the garbage collector
    # would scan these objects repeatedly, which takes a tenth of a command's time.
    gc.set_threshold(50_000, 50, 50)


def main() -> None:
    raise_collector_thresholds()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Stop as after Ctrl-C, with all child processes.
    try:
        app()
    except AlsolikeError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        from operations import extras

        missing = extras.missing_extra(error.name)
        if missing is None:
            raise
        _fail(missing)


def _fail(error: AlsolikeError) -> NoReturn:
    arguments = sys.argv[1:]
    as_json = {"--json", "--format=json"} & {*arguments} or ("--format", "json") in itertools.pairwise(arguments)
    terminal.say(json.dumps({"error": str(error)}) if as_json else f"alsolike: {error}")
    sys.exit(1)


def _options(
    context: typer.Context,
    everywhere: Everywhere,
    version: Annotated[
        bool,
        Option(
            "--version", is_eager=True, callback=lambda requested: _print_version(requested), help="Print the version."
        ),
    ] = False,
) -> None:
    """Set the options as defaults for all commands."""
    set_defaults(context, everywhere)


app.callback()(separated(_options))


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        sys.stdout.write(f"alsolike {version('alsolike')}\n")
        raise typer.Exit
