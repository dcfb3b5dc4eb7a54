"""Charges of logs, metrics and traces."""

from __future__ import annotations

from collections.abc import Mapping

from alsolike.cost.bill import Meter
from alsolike.cost.load import DAYS, HOURS, MONTH_S
from alsolike.cost.summary import Summary
from alsolike.cost.traffic import Calls, transitions

ACCESS_LINE_BYTES = 420
"""The gateway's line of a call."""

TRANSITION_LOG_BYTES = 2_500
"""What a transition of a state machine writes with its input and output, three events."""

TRACED_SHARE = 0.05
"""Of calls past one a second and function: https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""

# Series of a function: those that every call may send, and those that are sent in one hour of a day.
SERIES: Mapping[str, tuple[int, int]] = {
    "collect": (7, 0),
    "recommend": (19, 0),
    "update_profiles": (4, 0),
    "archive_events": (3, 0),
    "count_trends": (4, 0),
    "archive_served": (3, 0),
    "publish_catalog": (9, 0),
    "compact_lake": (3, 0),
    "attribute_outcomes": (1, 70),
    "monitor_models": (5, 12),
    "build_dataset": (1, 0),
    "register_model": (1, 0),
    "run_canary": (3, 0),
}
"""Counted from the code, at its most; metrics are charged for the hours in which they are sent."""


def observing(
    meter: Meter, summary: Summary, calls: Mapping[str, Calls], *, series: Mapping[str, tuple[int, int]] = SERIES
) -> None:
    """Write what logs, metrics and traces cost."""
    _logs(meter, summary, calls)
    for name, (always, daily) in series.items():
        if name in calls and calls[name].calls:
            hours = min(1.0, calls[name].calls / HOURS)
            shown = f"{always} series in {hours:.0%} of the hours" + (f", {daily} in an hour a day" if daily else "")
            days = min(1.0, calls[name].calls / DAYS)
            meter.add("CloudWatch", f"metrics of {name}", always * hours + daily * days / 24, "metrics", shown)
    sampled = {name: _sampled(each.calls) for name, each in calls.items() if summary.functions[name].tracing}
    traces = sum(sampled.values()) + (summary.training.runs if summary.machines_traced else 0)
    meter.add("X-Ray", "traces", traces, "traces", "one a second and function, and a twentieth of the rest")


def _logs(meter: Meter, summary: Summary, calls: Mapping[str, Calls]) -> None:
    parts = {f"log of {name}": each.calls * each.duration.log_bytes / 1e9 for name, each in calls.items()}
    whole = sum(parts.values())
    for what, gb in parts.items():
        name = what.removeprefix("log of ")
        meter.add("CloudWatch", what, gb, "logs_gb", f"{calls[name].duration.log_bytes:,.0f} bytes a call")
    if summary.access_log:
        through = sum(calls[name].calls for name in ("collect", "recommend") if name in calls)
        gb = through * ACCESS_LINE_BYTES / 1e9
        meter.add("CloudWatch", "access log", gb, "logs_gb", f"{ACCESS_LINE_BYTES} bytes a call of the API")
        whole += gb
    gb = transitions(summary) * TRANSITION_LOG_BYTES / 1e9
    meter.add("CloudWatch", "log of trainings", gb, "logs_gb", f"{TRANSITION_LOG_BYTES:,} bytes a transition")
    whole += gb
    months = (summary.log_retention_days or 365) / DAYS
    how = f"{summary.log_retention_days or 365} days of it, not compressed"
    meter.add("CloudWatch", "logs kept", whole * months, "logs_stored_gb", how)


def _sampled(calls: float) -> float:
    return min(calls, MONTH_S) + TRACED_SHARE * max(0.0, calls - MONTH_S)
