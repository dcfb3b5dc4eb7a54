"""Monthly savings of changed settings under the same load."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from operations.cost.bill import DAYS, Load
from operations.cost.charges import DASHBOARD, estimate
from operations.cost.resources import BilledResources

MIN_DOLLARS = 0.10
"""Minimum saving per month, in dollars. Smaller savings are not suggested."""


@dataclasses.dataclass(frozen=True, slots=True)
class Saving:
    """Suggested change of a setting of `cdk.json`, or of the configuration if the name starts with `limits.`.

    A name in parentheses is not a setting: the shop's own software must change. `dollars` are saved per month if only
    this change is made. The savings of several changes do not add up. `but` is the disadvantage.
    """

    setting: str
    now: str
    then: str
    but: str
    dollars: float

    def to_json(self) -> dict[str, str | float]:
        return {**dataclasses.asdict(self), "dollars": round(self.dollars, 2)}


def savings(summary: BilledResources, load: Load, *, free_tier: bool = False) -> list[Saving]:
    def dollars(changed: BilledResources | Load) -> float:
        deployed, sent = (summary, changed) if isinstance(changed, Load) else (changed, load)
        return estimate(deployed, sent, free_tier=free_tier).dollars

    total = dollars(load)
    savings = [
        Saving(setting, _text(now), _text(then), but, total - dollars(changed))
        for setting, now, then, but, changed in _changes(summary, load)
    ]
    return sorted((each for each in savings if each.dollars >= MIN_DOLLARS), key=lambda saving: -saving.dollars)


def _changes(summary: BilledResources, load: Load) -> list[tuple[str, object, object, str, BilledResources | Load]]:
    """Return a tuple per change: setting, current value, new value, disadvantage, and changed resources or load.

    A change that the deployment already has saves nothing, so `savings` omits it.
    """
    functions, stream, training, replace = summary.functions, summary.stream, summary.training, dataclasses.replace

    def deployed(**fields: Any) -> BilledResources:
        return replace(summary, **fields)

    def changed(*names: str, **fields: Any) -> BilledResources:
        return deployed(functions={**functions, **{name: replace(functions[name], **fields) for name in names}})

    def trained(**fields: Any) -> BilledResources:
        return deployed(training=replace(training, **fields))

    changes: list[tuple[str, object, object, str, BilledResources | Load]] = []
    for setting, name, window_s, but in (
        ("archive_window_s", "archive_events", 300, "events are in the lake up to five minutes later"),
        ("trends_window_s", "count_trends", 60, "trending items are up to a minute older"),
        ("publish_window_s", "publish_catalog", 60, "changed items are recommended up to a minute later"),
    ):
        if sources := functions[name].sources if name in functions else ():
            longer = [replace(source, window_s=max(source.window_s, window_s)) for source in sources]
            changes.append((setting, sources[0].window_s, window_s, but, changed(name, sources=longer)))
    for setting, name, but in (
        ("attribution_schedule", "attribute_outcomes", "rates of clicks and sales are up to six hours older"),
        ("monitoring_schedule", "monitor_models", "drift is noticed, and its alarm ends, up to six hours later"),
    ):
        if name in functions:
            runs = functions[name].runs
            fewer = changed(name, runs=min(runs, 4 * DAYS))
            changes.append((setting, f"{runs / DAYS:g} a day", "rate(6 hours)", but, fewer))
    warm = {name: function for name, function in functions.items() if function.provisioned}
    modes, but = ("provisioned", "on-demand"), "AWS's documentation describes how it scales"
    if stream.on_demand:
        modes = ("on-demand", "provisioned")
        but = "Kinesis rejects a rush above the shards' capacity until stream_shards is raised"
    boards = summary.counts[DASHBOARD]
    days, hours, looks = summary.log_retention_days, stream.retention_hours, training.looks * training.look_s // 900
    return [
        *changes,
        ("snap_start", True, False, "a cold start takes a second or more while the caller waits",
         changed(*functions, snap_start=False)),
        ("provisioned_concurrency", max((each.provisioned for each in warm.values()), default=0), 0,
         "set snap_start to true instead: a cold start takes some tenths of a second",
         changed(*warm, provisioned=0, snap_start=True)),
        ("architecture", "x86_64", "arm64", "layers are built for the other processor",
         changed(*functions, architecture="arm64")),
        ("stream_retention_hours", hours, 24,
         "records that a consumer cannot process within a day must be replayed by hand",
         deployed(stream=replace(stream, retention_hours=min(hours, 24)))),
        ("stream_mode", *modes, but, deployed(stream=replace(stream, on_demand=not stream.on_demand))),
        ("training_schedule", f"{training.runs / DAYS:g} a day", "rate(7 days)",
         "models are up to a week old; drift and new data still start one", trained(runs=min(training.runs, DAYS / 7))),
        ("training_spot", False, True, "a job may be interrupted, and continues from its checkpoints",
         trained(spot=True)),
        ("canary_interval_s", training.look_s, 900, "a bad canary is rolled back up to a quarter of an hour later",
         trained(look_s=900, looks=looks)),
        ("spark_workers", training.spark_workers, 2, "datasets take longer",
         trained(spark_workers=min(training.spark_workers, 2))),
        ("tracing", True, False, "no traces: only logs show why a request was slow",
         replace(changed(*functions, tracing=False), machines_traced=False)),
        ("dashboards", "all" if boards > 1 else "health", "none", "graphs are made by hand; alarms remain",
         deployed(counts=summary.counts - Counter({DASHBOARD: boards}))),
        ("log_invocations", True, False, "durations and memory are available as metrics, but not per call",
         changed(*functions, reports=False)),
        ("log_retention_days", days or "for ever", 14, "older log lines cannot be looked up",
         deployed(log_retention_days=min(days or 14, 14))),
        ("limits.history_length", load.history_length, 50, "models read the latest 50 interactions of a user",
         replace(load, history_length=min(load.history_length, 50))),
        ("limits.retention_days", load.history_days, 180, "models learn from half a year; older events are deleted",
         replace(load, history_days=min(load.history_days, 180))),
        ("(events in a call)", load.events_per_call, 10,
         "the shop gathers ten events before it sends them; no setting here", replace(load, events_per_call=10)),
    ]  # fmt: skip


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
