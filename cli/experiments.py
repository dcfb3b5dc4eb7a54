"""Command `alsolike experiments`, which starts, reports and stops experiments."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from alsolike.configuration.experiments import DEFAULT_METRIC, METRIC_NAMES, Arm
from alsolike.configuration_document.experiments import experiment_to_document
from alsolike.configuration_document.times import time_text
from alsolike.experiments import report as reports
from alsolike.experiments.metrics import RatioMetric, metric_of
from alsolike.experiments.sequential_tests import Interval
from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.group import CommandGroup
from cli.options import Context, HistoryReason, Yes, confirm
from operations import times
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import caller, live_configuration, store_of
from operations.experiments import planning
from operations.progress import counted

if TYPE_CHECKING:
    from alsolike.configuration_document.reader import Current

app = CommandGroup(help="A/B tests of recommenders, rule sets and models.")

Name = Annotated[str, Argument(metavar="NAME", show_default=False)]
_METRIC_HELP = f"Main metric: {', '.join(METRIC_NAMES)}."


@app.command("list")
def list_experiments(context: Context) -> None:
    """List running, planned and ended experiments.

    Example: alsolike experiments list
    """
    configuration = live_configuration(context.deployment)
    now_ms = times.now_ms()
    experiments = sorted(configuration.experiments.values(), key=lambda each: -each.start_ms)
    context.print_rows(
        [{"name": each.name, "status": each.status(now_ms), **experiment_to_document(each)} for each in experiments],
        ["experiment", "status", "on", "layer", "start (UTC)", "end (UTC)", "arms"],
        [
            [each.name, each.status(now_ms), ", ".join(each.on), each.layer, _time(each.start_ms), _time(each.end_ms),
             ", ".join(_shown(arm) for arm in each.arms)]
            for each in experiments
        ],
        empty="there is no experiment; `alsolike experiments start` makes one",
    )  # fmt: skip


@app.command("show")
def show(context: Context, name: Name) -> None:
    """Show an experiment of the configuration.

    Example: alsolike experiments show new-ranking
    """
    from operations.experiments.stored_experiments import experiment_of

    configuration = live_configuration(context.deployment)
    found = experiment_of(configuration, name)
    status, document = found.status(times.now_ms()), experiment_to_document(found)
    if not context.printed({"name": name, "status": status, **document}):
        terminal.say(f"{name}: {status}")
        terminal.print_yaml({"experiments": {name: document}})


@app.command("assign")
def assign(
    context: Context,
    user: Annotated[str, Option(help="User ID, or session ID of an anonymous visitor.", show_default=False)],
) -> None:
    """Show the arm of a user in each running experiment.

    Example: alsolike experiments assign --user 42
    """
    configuration = live_configuration(context.deployment)
    now_ms = times.now_ms()
    arms = {each.name: each.arm_of(user) for each in configuration.experiments.values() if each.runs(now_ms)}
    context.print_rows(
        {"user": user, "arms": {name: arm.name for name, arm in arms.items()}},
        ["experiment", "arm"],
        [[name, _shown(arm)] for name, arm in arms.items()],
        empty="no experiment runs",
    )


@app.command("start")
def start(
    context: Context,
    name: Name,
    arm: Annotated[
        list[str],
        Option(
            metavar="NAME=SHARE[:KIND=NAME]",
            help="Arm with its share of the users, and its recommender, rules or model; repeatable.",
            show_default=False,
        ),
    ],
    on: Annotated[
        list[str] | None,
        Option(metavar="RECOMMENDER", help="Recommender of the experiment; repeatable.", show_default="for-you"),
    ] = None,
    layer: Annotated[
        str, Option(help="Layer of the experiment. Each layer runs one experiment at a time.")
    ] = "default",
    begin: Annotated[
        str | None, Option("--start", metavar="TIME", help="ISO 8601 with a zone.", show_default="now")
    ] = None,
    end: Annotated[
        str | None, Option(metavar="TIME", help="ISO 8601 with a zone.", show_default="when the experiment is stopped")
    ] = None,
    metric: Annotated[str, Option(help=_METRIC_HELP)] = DEFAULT_METRIC,
    effect: Annotated[
        float | None, Option(min=0.0001, help="Smallest relevant lift, such as 0.05, for the estimate of the duration.")
    ] = None,
    reason: HistoryReason = "",
    dry_run: Annotated[bool, Option("--dry-run", help="Print the detectable lift without starting.")] = False,
    yes: Yes = False,
) -> None:
    """Print the smallest detectable lift, and start an experiment. Functions use it within a minute.

    Example: alsolike experiments start new-ranking --arm control=0.5 --arm variant=0.5:recommender=trending
    """
    from operations.experiments import results, stored_experiments

    compared_metric = metric_of(metric)
    deployment = context.deployment
    now_ms = times.now_ms()
    start_ms = now_ms if begin is None else times.milliseconds(times.moment(begin, option="--start"))
    end_ms = None if end is None else times.milliseconds(times.moment(end, option="--end"))
    stated: dict[str, Any] = {
        "layer": layer,
        "on": on or ["for-you"],
        "start": time_text(start_ms),
        "end": None if end_ms is None else time_text(end_ms),
        "metric": compared_metric.name,
        "arms": stored_experiments.arms_of(arm),
    }
    current = store_of(deployment).current()
    experiment = stored_experiments.checked(
        stored_experiments.with_experiment(current.document, name, stated), deployment, now_ms=now_ms
    ).experiments[name]
    plan = results.plan_for(deployment, experiment, compared_metric, requested_lift=effect, now_ms=now_ms)
    if plan.answers is not None:
        stated["planned_answers"] = plan.answers
    for line in planning.lines(plan):
        terminal.say(line)
    if (shortage := results.shortage_of(deployment, experiment, plan)) is not None:
        terminal.say(f"warning: {shortage}")
    document = stored_experiments.with_experiment(current.document, name, stated)
    if not dry_run:
        confirm(f"start {name} on {deployment.environment}?", yes=yes)
        current = _apply(deployment, current, document, reason=reason or f"experiment {name} starts")
    version = None if dry_run else current.version
    if context.printed({"name": name, "version": version, "experiment": stated, "plan": dataclasses.asdict(plan)}):
        return
    if version is not None:
        terminal.say(f"{name} starts: version {version} is live; functions follow within a minute")
        terminal.say("add it to your file, otherwise the next `alsolike config apply` fails:")
    terminal.print_yaml({"experiments": {name: stated}})


@app.command("stop")
def stop(
    context: Context,
    name: Name,
    winner: Annotated[
        str | None,
        Option(metavar="ARM", help="Winning arm, for the history. The command prints how to apply it to all users."),
    ] = None,
    reason: HistoryReason = "",
    yes: Yes = False,
) -> None:
    """End a running experiment, or remove a planned one.

    An ended experiment stays in the configuration for its report, and cannot be restarted.

    Example: alsolike experiments stop new-ranking --winner variant
    """
    from operations.experiments import stored_experiments

    deployment = context.deployment
    current = store_of(deployment).current()
    experiment = stored_experiments.experiment_of(current.configuration(), name)
    selected = None if winner is None else stored_experiments.arm_of(experiment, winner)
    now_ms = times.now_ms()
    status = experiment.status(now_ms)
    if status == "ended":
        raise InvalidInput(f"{name} ended {_time(experiment.end_ms)} UTC already")
    if status == "planned":
        document = stored_experiments.without(current.document, name)
    else:
        document = stored_experiments.ended(current.document, name, at_ms=now_ms)
    confirm(f"stop {name} on {deployment.environment} for good?", yes=yes)
    why = reason or f"experiment {name} stops" + (f", {winner} wins" if winner else "")
    applied = _apply(deployment, current, document, reason=why)
    context.print(
        {"name": name, "version": applied.version, "winner": winner},
        f"{name} is stopped: version {applied.version} is live; functions follow within a minute",
        *([] if selected is None else [stored_experiments.next_step(experiment, selected)]),
    )


@app.command("report")
def report(
    context: Context,
    name: Name,
    metric: Annotated[str | None, Option(help=_METRIC_HELP, show_default="the experiment's metric")] = None,
) -> None:
    """Report the results of an experiment so far. Repeated interim reports do not bias the result.

    Example: alsolike experiments report new-ranking --metric conversion
    """
    from operations.experiments import results

    found, compared_metric, status = results.report_of(context.deployment, name, metric=metric, now_ms=times.now_ms())
    if not context.printed({**dataclasses.asdict(found), "status": status}):
        _print_report(found, compared_metric, status=status)


def _apply(deployment: Deployment, current: Current, document: dict[str, Any], *, reason: str) -> Current:
    """Apply a document, with generated YAML text, if `current` is still the live configuration."""
    from operations.configuration import yaml_document

    return store_of(deployment).apply(
        current,
        document,
        text=yaml_document.dump(document),
        by=caller(deployment),
        reason=reason,
        now_ms=times.now_ms(),
    )


def _time(time_ms: int | None) -> str:
    return "" if time_ms is None else times.text(time_ms, "minutes")


def _print_report(found: reports.ExperimentReport, metric: RatioMetric, *, status: str) -> None:
    terminal.print_table(
        ["arm", "share", "users", "answers", "degraded", found.metric, "lift", "95% interval", "p", "one look: 95%",
         "one look: p"],
        [
            [
                f"{arm.name} (control)" if found.control == arm.name != "control" else arm.name,
                f"{arm.share:.0%}",
                arm.users,
                arm.answers,
                "" if arm.degraded_share is None else f"{arm.degraded_share:.1%}",
                arm.value,
                f"{arm.lift.lift:+.1%}" if arm.lift else "",
                _interval(arm.lift.interval) if arm.lift else "",
                _p(arm.lift.p_value) if arm.lift else "",
                _interval(arm.lift.fixed_interval) if arm.lift else "",
                _p(arm.lift.fixed_p_value) if arm.lift else "",
            ]
            for arm in found.arms
        ],
        title=f"{found.experiment}, {status}; {found.metric}: {metric.about}",
    )  # fmt: skip
    terminal.print_line(reports.sentence(found))
    ratio = "as the shares say" if found.sample_ratio_p_value >= reports.MISMATCH_BELOW else "NOT as the shares say"
    terminal.print_line(f"split     {ratio} (p {_p(found.sample_ratio_p_value)})")
    terminal.print_line(f"days      {found.days} of {found.of_days} have answers")
    left_out = found.excluded
    for count, noun, condition in (
        (left_out.unassigned, "response", "in no arm: to no user, or before functions loaded the experiment"),
        (left_out.users_in_two_arms, "user", "in two arms"),
        (left_out.nameless, "response", "in an arm, but of an unknown user"),
    ):
        if count:
            terminal.print_line(f"left out  {counted(count, noun)} {condition}")
    for arm, count in left_out.unknown_arms.items():
        terminal.print_line(f"left out  {counted(count, 'response')} in the unknown arm {terminal.visible(arm)}")


def _shown(arm: Arm) -> str:
    does = next(
        (f" {kind} {name}" for kind in ("recommender", "rules", "model") if (name := getattr(arm, kind)) is not None),
        "",
    )
    return f"{arm.name} {arm.share:.0%}{does}"


def _interval(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "unbounded"
    return f"{interval.low:+.1%} to {interval.high:+.1%}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"
