"""`alsolike experiments`: start, watch and stop comparisons of what users are answered with."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alsolike.config.experiments import experiment_to_document
from alsolike.config.times import time_text
from alsolike.domain.experiments import DEFAULT_METRIC, METRIC_NAMES
from alsolike.experiments import report as reports
from alsolike.experiments.metrics import metric_of
from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import AsJson, Stack, State, Yes
from operations import times
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.client.stored_ids import stored_user_ids
from operations.configuration.store import store_of, who
from operations.experiments import planning

if TYPE_CHECKING:
    from alsolike.config.reader import Current

app = typer.Typer(no_args_is_help=True, help="A/B tests of recommenders, rule sets and models.")

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
_METRIC_HELP = f"Main metric: {', '.join(METRIC_NAMES)}."

_DAY_MS = 86_400_000


@app.command("list")
def list_experiments(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List running, planned and ended experiments.

    Example: alsolike experiments list
    """
    from cli.experimenting import printing

    configuration = store_of(deployment.resolve(stack=stack, state=state)).current().configuration()
    now_ms = _now_ms()
    experiments = sorted(configuration.experiments.values(), key=lambda each: -each.start_ms)
    if as_json:
        console.print_json(
            [{"name": each.name, "status": each.status(now_ms), **experiment_to_document(each)} for each in experiments]
        )
    elif not experiments:
        console.print_line("there is no experiment; `alsolike experiments start` makes one")
    else:
        console.print_table(
            ["experiment", "status", "on", "layer", "start (UTC)", "end (UTC)", "arms"],
            [
                [each.name, each.status(now_ms), ", ".join(each.on), each.layer, _time(each.start_ms),
                 "" if each.end_ms is None else _time(each.end_ms), ", ".join(printing.shown(arm) for arm in each.arms)]
                for each in experiments
            ],
        )  # fmt: skip


@app.command("show")
def show(name: Name, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show an experiment of the configuration.

    Example: alsolike experiments show new-ranking
    """
    from operations.configuration import yaml_document
    from operations.experiments.statement import experiment_of

    configuration = store_of(deployment.resolve(stack=stack, state=state)).current().configuration()
    found = experiment_of(configuration, name)
    status, document = found.status(_now_ms()), experiment_to_document(found)
    if as_json:
        console.print_json({"name": name, "status": status, **document})
    else:
        console.say(f"{name}: {status}")
        console.print_line(yaml_document.dump({"experiments": {name: document}}).rstrip("\n"))


@app.command("assign")
def assign(
    user: Annotated[str, typer.Option(help="User ID, or session ID of an anonymous visitor.", show_default=False)],
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the arm of a user in each running experiment.

    Example: alsolike experiments assign --user 42
    """
    from cli.experimenting import printing

    configuration = store_of(deployment.resolve(stack=stack, state=state)).current().configuration()
    now_ms = _now_ms()
    arms = {each.name: each.arm_of(user) for each in configuration.experiments.values() if each.runs(now_ms)}
    if as_json:
        console.print_json({"user": user, "arms": {name: arm.name for name, arm in arms.items()}})
    elif not arms:
        console.print_line("no experiment runs")
    else:
        console.print_table(["experiment", "arm"], [[name, printing.shown(arm)] for name, arm in arms.items()])


@app.command("start")
def start(
    name: Name,
    arm: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=SHARE[:KIND=NAME]",
            help="Arm with its share of the users, and its recommender, rules or model; repeatable.",
            show_default=False,
        ),
    ],
    on: Annotated[
        list[str] | None,
        typer.Option(metavar="RECOMMENDER", help="Recommender that takes part; repeatable.", show_default="for-you"),
    ] = None,
    layer: Annotated[
        str, typer.Option(help="Layer of the experiment. Each layer runs one experiment at a time.")
    ] = "default",
    begin: Annotated[
        str | None, typer.Option("--start", metavar="TIME", help="ISO 8601 with a zone.", show_default="now")
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="ISO 8601 with a zone.", show_default="when it is stopped")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help=_METRIC_HELP)] = DEFAULT_METRIC,
    effect: Annotated[
        float | None,
        typer.Option(min=0.0001, help="Smallest relevant lift, such as 0.05, for the estimate of the duration."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason for the configuration's history.", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the detectable lift without starting.")] = False,
    yes: Yes = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Print the smallest detectable lift, and start an experiment. Functions use it within a minute.

    Example: alsolike experiments start new-ranking --arm control=0.5 --arm variant=0.5:recommender=trending
    """
    from cli.experimenting import printing
    from operations.experiments import statement
    from operations.experiments.outcomes import outcomes_between

    of = metric_of(metric)
    where = deployment.resolve(stack=stack, state=state)
    now_ms = _now_ms()
    start_ms = now_ms if begin is None else times.milliseconds(times.moment(begin, option="--start"))
    end_ms = None if end is None else times.milliseconds(times.moment(end, option="--end"))
    stated: dict[str, Any] = {
        "layer": layer,
        "on": on or ["for-you"],
        "start": time_text(start_ms),
        "end": None if end_ms is None else time_text(end_ms),
        "metric": of.name,
        "arms": statement.arms_of(arm),
    }
    current = store_of(where).current()
    experiment = statement.checked(
        statement.with_experiment(current.document, name, stated), where, now_ms=now_ms
    ).experiments[name]
    days = planning.DEFAULT_DAYS if end_ms is None else max(round((end_ms - start_ms) / _DAY_MS), 1)
    answers = outcomes_between(where, first_ms=now_ms - planning.BASELINE_DAYS * _DAY_MS, last_ms=now_ms)
    plan = planning.plan(experiment, of, answers, days=days, wanted_lift=effect, now_ms=now_ms)
    if plan.answers is not None:
        stated["planned_answers"] = plan.answers
    for line in planning.lines(plan):
        console.say(line)
    users = plan.users
    if users is None:
        users = len(list(itertools.islice(stored_user_ids(where), planning.needed_users(experiment))))
    if (shortage := planning.shortage(experiment, users)) is not None:
        console.say(f"warning: {shortage}")
    document = statement.with_experiment(current.document, name, stated)
    if not dry_run:
        if not yes:
            typer.confirm(f"start {name} on {where.environment}?", abort=True, err=True)
        current = _apply(where, current, document, reason=reason or f"experiment {name} starts")
    printing.print_started(name, stated, plan, None if dry_run else current.version, as_json=as_json)


@app.command("stop")
def stop(
    name: Name,
    winner: Annotated[
        str | None,
        typer.Option(
            metavar="ARM", help="Winning arm, for the history. The command prints how to apply it to all users."
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason for the configuration's history.", show_default=False)] = "",
    yes: Yes = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """End a running experiment, or remove a planned one.

    An ended experiment stays in the configuration for its report, and cannot be restarted.

    Example: alsolike experiments stop new-ranking --winner variant
    """
    from cli.experimenting import printing
    from operations.experiments import statement

    where = deployment.resolve(stack=stack, state=state)
    current = store_of(where).current()
    experiment = statement.experiment_of(current.configuration(), name)
    chosen = None if winner is None else statement.arm_of(experiment, winner)
    now_ms = _now_ms()
    status = experiment.status(now_ms)
    if status == "ended":
        raise InvalidInput(f"{name} ended {_time(experiment.end_ms or 0)} UTC already")
    if status == "planned":
        document = statement.without(current.document, name)
    else:
        document = statement.ended(current.document, name, at_ms=now_ms)
    if not yes:
        typer.confirm(f"stop {name} on {where.environment} for good?", abort=True, err=True)
    why = reason or f"experiment {name} stops" + (f", {winner} wins" if winner else "")
    applied = _apply(where, current, document, reason=why)
    if as_json:
        console.print_json({"name": name, "version": applied.version, "winner": winner})
        return
    console.print_line(f"{name} is stopped: version {applied.version} is live; functions follow within a minute")
    if chosen is not None:
        console.print_line(printing.what_to_do(experiment, chosen))


@app.command("report")
def report(
    name: Name,
    metric: Annotated[
        str | None, typer.Option("--metric", help=_METRIC_HELP, show_default="that of the experiment")
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Report the results of an experiment so far. Repeated interim reports do not bias the result.

    Example: alsolike experiments report new-ranking --metric conversion
    """
    from cli.experimenting import printing
    from operations.experiments.outcomes import outcomes_between
    from operations.experiments.statement import experiment_of
    from operations.experiments.tally import ArmTally

    where = deployment.resolve(stack=stack, state=state)
    experiment = experiment_of(store_of(where).current().configuration(), name)
    of = metric_of(metric or experiment.metric)
    now_ms = _now_ms()
    if experiment.start_ms > now_ms:
        raise InvalidInput(f"{name} starts {_time(experiment.start_ms)} UTC; there is nothing to report yet")
    last_ms = min(now_ms, (experiment.end_ms or now_ms) - 1)
    answers = outcomes_between(where, first_ms=experiment.start_ms, last_ms=last_ms)
    tally = ArmTally(experiment)
    for piece in answers:
        tally.add(piece)
    found = reports.report(experiment, of, tally, now_ms=now_ms)
    if as_json:
        console.print_json({**dataclasses.asdict(found), "status": experiment.status(now_ms)})
    else:
        printing.print_report(found, of, status=experiment.status(now_ms))


def _apply(where: Deployment, current: Current, document: dict[str, Any], *, reason: str) -> Current:
    """Apply a document in place of the one that was read; its text is ordinary YAML."""
    from operations.configuration import yaml_document

    return store_of(where).apply(
        current, document, text=yaml_document.dump(document), by=who(where), reason=reason, now_ms=_now_ms()
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M}"
