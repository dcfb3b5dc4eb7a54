"""Monthly savings of changed settings under the same load."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from operations.cost.bill import DAYS, Load
from operations.cost.charges import estimate
from operations.cost.summary import BilledResources
from operations.cost.traffic import DURATIONS, Duration, on_spark

MIN_DOLLARS = 0.10
"""Minimum saving per month, in dollars. Smaller savings are not suggested."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Suggested change of a setting of `cdk.json`, or of the configuration if the name starts with `limits.`.

    A name in parentheses is not a setting: the shop's own software must change. `dollars` are saved per month if only
    this change is made. The savings of several changes do not add up. `but` is the disadvantage.
    """

    setting: str
    now: str
    then: str
    dollars: float
    but: str

    def to_json(self) -> dict[str, str | float]:
        return {**dataclasses.asdict(self), "dollars": round(self.dollars, 2)}


def savings(
    summary: BilledResources,
    load: Load,
    *,
    free_tier: bool = False,
    durations: Mapping[str, Duration] = DURATIONS,
) -> list[Saving]:
    total = estimate(summary, load, free_tier=free_tier, durations=durations).dollars
    savings = []
    for setting, now, then, but, changed in _changes(summary, load):
        resources, changed_load = (summary, changed) if isinstance(changed, Load) else (changed, load)
        less = total - estimate(resources, changed_load, free_tier=free_tier, durations=durations).dollars
        if less >= MIN_DOLLARS:
            savings.append(Saving(setting=setting, now=_text(now), then=_text(then), dollars=less, but=but))
    return sorted(savings, key=lambda saving: -saving.dollars)


def _changes(summary: BilledResources, load: Load) -> Iterator[tuple[str, object, object, str, BilledResources | Load]]:
    """Yield the setting, its values now and then, the disadvantage, and the changed resources or load.

    A change that the deployment already has saves nothing, so it is not suggested.
    """
    functions, stream, training = summary.functions, summary.stream, summary.training

    def changed(**fields: object) -> BilledResources:
        return dataclasses.replace(summary, **fields)  # type: ignore[arg-type]

    def all_functions(**fields: object) -> BilledResources:
        return changed(functions={name: dataclasses.replace(each, **fields) for name, each in functions.items()})  # type: ignore[arg-type]

    def one_function(name: str, **fields: object) -> BilledResources:
        return changed(functions={**functions, name: dataclasses.replace(functions[name], **fields)})  # type: ignore[arg-type]

    def trainings(**fields: object) -> BilledResources:
        return changed(training=dataclasses.replace(training, **fields))  # type: ignore[arg-type]

    for setting, name, then, but in (
        ("archive_window_s", "archive_events", 300, "events are in the lake up to five minutes later"),
        ("trends_window_s", "count_trends", 60, "trending items are up to a minute older"),
        ("publish_window_s", "publish_catalog", 60, "changed items are recommended up to a minute later"),
    ):
        sources = functions[name].sources if name in functions else ()
        if sources and sources[0].window_s < then:
            longer = tuple(dataclasses.replace(source, window_s=then) for source in sources)
            yield setting, sources[0].window_s, then, but, one_function(name, sources=longer)
    for setting, name, but in (
        ("attribution_schedule", "attribute_outcomes", "rates of clicks and sales are up to six hours older"),
        ("monitoring_schedule", "monitor_models", "drift is noticed, and its alarm ends, up to six hours later"),
    ):
        if name in functions and functions[name].runs > 4 * DAYS:
            now = f"{functions[name].runs / DAYS:g} a day"
            yield setting, now, "rate(6 hours)", but, one_function(name, runs=4 * DAYS)
    but = "a cold start takes a second or more while the caller waits"
    yield "snap_start", True, False, but, all_functions(snap_start=False)
    cold = {
        name: dataclasses.replace(each, provisioned=0, snap_start=each.provisioned > 0)
        for name, each in functions.items()
    }
    if warm := max((each.provisioned for each in functions.values()), default=0):
        but = "set snap_start to true instead: a cold start takes some tenths of a second"
        yield "provisioned_concurrency", warm, 0, but, changed(functions=cold)
    but = "layers are built for the other processor"
    yield "architecture", "x86_64", "arm64", but, all_functions(architecture="arm64")

    but = "records that a consumer cannot process within a day must be replayed by hand"
    daily = changed(stream=dataclasses.replace(stream, retention_hours=min(stream.retention_hours, 24)))
    yield "stream_retention_hours", stream.retention_hours, 24, but, daily
    modes, but = ("provisioned", "on-demand"), "AWS's documentation describes how it scales"
    if stream.on_demand:
        modes = ("on-demand", "provisioned")
        but = "Kinesis rejects a rush above the shards' capacity until stream_shards is raised"
    other = changed(stream=dataclasses.replace(stream, on_demand=not stream.on_demand))
    yield "stream_mode", *modes, but, other

    now, weekly = f"{training.runs / DAYS:g} a day", min(training.runs, DAYS / 7)
    but = "models are up to a week old; drift and new data still start one"
    yield "training_schedule", now, "rate(7 days)", but, trainings(runs=weekly)
    but = "a job may be interrupted, and continues from its checkpoints"
    yield "training_spot", False, True, but, trainings(spot=True)
    if training.look_s < 900:
        fewer = trainings(look_s=900, looks=training.looks * training.look_s // 900)
        but = "a bad canary is rolled back up to a quarter of an hour later"
        yield "canary_interval_s", training.look_s, 900, but, fewer
    if on_spark(summary, load) and training.spark_workers > 2:
        yield "spark_workers", training.spark_workers, 2, "datasets take longer", trainings(spark_workers=2)

    untraced = dataclasses.replace(all_functions(tracing=False), machines_traced=False)
    if any(each.tracing for each in functions.values()):
        yield "tracing", True, False, "no traces: only logs show why a request was slow", untraced
    boards = "all" if summary.dashboards > 1 else "health"
    yield "dashboards", boards, "none", "graphs are made by hand; alarms remain", changed(dashboards=0)
    but = "durations and memory are available as metrics, but not per call"
    yield "log_invocations", True, False, but, all_functions(reports=False)
    days, but = summary.log_retention_days, "older log lines cannot be looked up"
    yield "log_retention_days", days or "for ever", 14, but, changed(log_retention_days=min(days or 14, 14))

    shorter = dataclasses.replace(load, history_length=min(load.history_length, 50))
    yield "limits.history_length", load.history_length, 50, "models read the latest 50 interactions of a user", shorter
    but = "models learn from half a year; older events are deleted"
    younger = dataclasses.replace(load, history_days=min(load.history_days, 180))
    yield "limits.retention_days", load.history_days, 180, but, younger
    but = "the shop gathers ten events before it sends them; no setting here"
    gathered = dataclasses.replace(load, events_per_call=10)
    yield "(events in a call)", load.events_per_call, 10, but, gathered


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
