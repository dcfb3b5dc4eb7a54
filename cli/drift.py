"""Command `alsolike drift`: comparison of current data with the champion's training data."""

from __future__ import annotations

from typing import Annotated

import orjson
from typer import Option

from alsolike.runtime.errors import NotFound
from alsolike.training.monitoring import DriftReport, Figure
from cli import terminal
from cli.options import Context
from operations import drift_reports, times

_COLUMNS = ("figure", "PSI", "threshold", "by chance", "then", "now", "above since", "")
_CHECKS = ("check", "share", "bound", "rows", "")


def drift(context: Context, refresh: Annotated[bool, Option("--refresh", help="Run the check now.")] = False) -> None:
    """Show drift figures and thresholds.

    The table also has the time above the threshold and the consequence.

    Example: alsolike drift --refresh
    """
    deployment = context.deployment
    report = drift_reports.look(deployment) if refresh else drift_reports.latest(deployment)
    if report is None:
        call = terminal.call("drift", "--refresh", *context.options)
        raise NotFound(f"no drift check has run yet; `{call}` runs one")
    if context.printed(orjson.loads(report.to_json())):
        return
    terminal.print_table(
        _COLUMNS, [_row(report, figure) for figure in report.figures], title=drift_reports.title(report)
    )
    checks = [
        [each.name, terminal.percent(each.share), terminal.percent(each.bound), each.rows, "failed" * each.failed]
        for each in report.checks
    ]
    terminal.print_table(_CHECKS, checks, title="Events of these days")
    terminal.print_lines(drift_reports.sentences(report))


def _row(report: DriftReport, figure: Figure) -> list[object]:
    return [
        figure.name,
        "" if figure.value is None else f"{figure.value:.3f}",
        "" if figure.threshold is None else f"{figure.threshold:.3f}",
        "" if figure.by_chance is None else f"{figure.by_chance:.3f}",
        figure.reference or "",
        figure.current or "",
        "" if figure.above_since_ms is None else times.text(figure.above_since_ms, "minutes"),
        figure.reason or drift_reports.outcome(report, figure),
    ]
