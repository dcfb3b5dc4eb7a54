"""Charges of logs, metrics and traces."""

from __future__ import annotations

from collections.abc import Mapping

from alsolike.cost.bill import Meter
from alsolike.cost.load import DAYS, HOURS, MONTH_S
from alsolike.cost.summary import Summary
from alsolike.cost.traffic import Calls, transitions
from alsolike.custom_metrics import METRICS, Bounds, Rhythm, Written

ACCESS_LINE_BYTES = 190
"""Size of the gateway's log line for a call, with the 26 bytes that CloudWatch adds."""

TRANSITION_LOG_BYTES = 2_500
"""Log bytes of a state machine's transition: three events with input and output."""

TRACED_SHARE = 0.05
"""Traced share of calls above one per second and function:
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html"""

BOUNDS = Bounds(versions=2)
"""Bounds of the shop's own dimensions: the champion and one version on trial, no experiments."""


def observing(meter: Meter, summary: Summary, calls: Mapping[str, Calls]) -> None:
    """Add the costs of logs, metrics and traces."""
    _logs(meter, summary, calls)
    for name, each in calls.items():
        months = sum(_series(written, each, summary.training.runs) for written in METRICS if written.service == name)
        meter.add("CloudWatch", f"metrics of {name}", months, "metrics", "those that it regularly sends, by the hour")
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


def _series(written: Written, calls: Calls, trainings: float) -> float:
    """Return the number of a metric's billed series, weighted by the part of a month in which each is sent."""
    share = {
        Rhythm.HOURLY: min(1.0, calls.calls / HOURS),
        Rhythm.DAILY: min(1.0, calls.calls / DAYS) / 24,
        Rhythm.TRAINING: min(1.0, trainings / HOURS) if calls.calls else 0.0,
        Rhythm.SELDOM: 0.0,
    }[written.rhythm]
    return written.series(BOUNDS) * share


def _sampled(calls: float) -> float:
    return min(calls, MONTH_S) + TRACED_SHARE * max(0.0, calls - MONTH_S)
