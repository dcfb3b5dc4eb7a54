"""`alsolike drift`: whether what happens is still what the champion learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import orjson
from typer import Option

from alsolike.runtime.errors import NotFound
from alsolike.training.monitoring import DriftReport, Figure
from cli import console
from cli.options import Context
from operations import times
from operations.progress import counted

_COLUMNS = ("figure", "PSI", "threshold", "by chance", "then", "now", "above since", "")
_CHECKS = ("check", "share", "bound", "rows", "")
_AGAIN = "what made it due starts it again at the next look"
# By `alsolike.training.monitoring.StartedTraining`.
_BECAME = {
    "going": "it goes on",
    "busy": f"it did nothing, for another run went on; {_AGAIN}",
    "not_begun": f"it failed before it had its turn; {_AGAIN}",
    "promoted": "its model became champion",
    "rejected": "the gate rejected its model",
    "rolled_back": "its trial took the model back",
    "failed": "it failed; `alsolike status` says why",
    "stopped": "it was stopped",
}


def drift(context: Context, refresh: Annotated[bool, Option("--refresh", help="Run the check now.")] = False) -> None:
    """Show drift figures and thresholds.

    The table also has the time above the threshold and the consequence.

    Example: alsolike drift --refresh
    """
    from operations import monitoring

    where = context.deployment
    report = monitoring.look(where) if refresh else monitoring.latest(where)
    if report is None:
        call = console.call("drift", "--refresh", *context.options)
        raise NotFound(f"no drift check has run yet; `{call}` runs one")
    if context.printed(orjson.loads(report.to_json())):
        return
    console.print_table(_COLUMNS, [_row(report, figure) for figure in report.figures], title=_title(report))
    checks = [
        [check.name, _percent(check.share), _percent(check.bound), check.rows, "failed" if check.failed else ""]
        for check in report.checks
    ]
    console.print_table(_CHECKS, checks, title="Events of these days")
    for line in sentences(report):
        console.print_line(line)


def sentences(report: DriftReport) -> Iterator[str]:
    """Yield what is to be said of a report."""
    if report.champion is None or report.champion_age_h is None:
        yield "there is no champion yet"
    else:
        yield f"champion {report.champion}: its last event was {_hours(report.champion_age_h)} ago"
    if report.lake_silent_h is None:
        yield "the lake has no event of these days"
    else:
        yield f"the lake's last event was {_hours(report.lake_silent_h)} ago"
    if report.unknown_item_share is not None:
        yield f"{report.unknown_item_share:.2%} of interactions are with items that the champion does not know"
    if report.unknown_user_share is not None:
        yield f"{report.unknown_user_share:.2%} of users did nothing before its last event"
    yield from _starts(report)


def _starts(report: DriftReport) -> Iterator[str]:
    rules = report.rules
    said = f"a figure above {rules.psi:g} for {rules.hours} h"
    yield f"{said} starts a training" if rules.retrains else f"{said} is told to people and starts nothing"
    if rules.new_interactions is None:
        yield "new data start no training: retrain_interactions is not set"
    elif report.new_interactions is not None:
        yield (f"{report.new_interactions:,} interactions are new, {rules.new_interactions:,} of them start a training")
    if report.last_start is not None:
        at = times.text(report.last_start.started_ms, "minutes")
        now = "this look" if report.started else "monitoring"
        yield f"{now} started execution {report.last_start.name} at {at}: {report.last_start.reason}"
        if not report.started:
            yield _BECAME[report.last_start.outcome]


def _title(report: DriftReport) -> str:
    days = f"{times.text(report.window_from_ms, 'minutes')} to {times.text(report.looked_ms, 'minutes')}"
    sample = "" if report.sampled == 1 else f", one of {report.sampled} users"
    counts = f"{counted(report.interactions, 'interaction')} of {counted(report.users, 'user')}"
    return f"{days}: {counts}{sample}"


def _row(report: DriftReport, figure: Figure) -> list[object]:
    return [
        figure.name,
        "" if figure.value is None else f"{figure.value:.3f}",
        f"{report.rules.psi:g}",
        "" if figure.by_chance is None else f"{figure.by_chance:.3f}",
        figure.reference or "",
        figure.current or "",
        "" if figure.above_since_ms is None else times.text(figure.above_since_ms, "minutes"),
        figure.reason or _outcome(report, figure),
    ]


def _outcome(report: DriftReport, figure: Figure) -> str:
    held = report.held_h(figure)
    if held is None:
        return ""
    last = report.last_start
    if last is not None and last.outcome.counts and figure.name in last.figures:
        return "started a training"
    left = report.rules.hours - held
    if left > 0:
        return f"drift in {left:.0f} h" + (", starts a training" if report.rules.retrains else "")
    return "drift"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
