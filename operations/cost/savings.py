"""Monthly savings of changed settings under the same load."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from operations.cost.bill import DAYS, Load
from operations.cost.estimating import estimate
from operations.cost.summary import BilledResources, Function
from operations.cost.traffic import DURATIONS, Duration, on_spark
from operations.prices import Prices

MIN_DOLLARS = 0.10
"""Minimum saving per month, in dollars. Smaller savings are not suggested."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """A suggested change of a setting.

    Attributes
    ----------
    setting
        Key of `cdk.json`, or of the configuration if it starts with `limits.`.
    dollars
        Saved dollars per month if only this setting changes. The savings of several changes do not add up.
    but
        Disadvantage of the change.
    """

    setting: str
    now: str
    then: str
    dollars: float
    but: str

    def to_json(self) -> dict[str, str | float]:
        return {**dataclasses.asdict(self), "dollars": round(self.dollars, 2)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    setting: str
    now: object
    then: object
    but: str
    summary: BilledResources
    load: Load


def savings(
    summary: BilledResources,
    load: Load,
    *,
    prices: Prices | None = None,
    durations: Mapping[str, Duration] = DURATIONS,
) -> list[Saving]:
    """Return the changes that save at least ten cents per month, largest saving first."""
    total = estimate(summary, load, prices=prices, durations=durations).dollars
    savings = []
    for change in _changes(summary, load):
        less = total - estimate(change.summary, change.load, prices=prices, durations=durations).dollars
        if less >= MIN_DOLLARS:
            now, then = _text(change.now), _text(change.then)
            savings.append(Saving(setting=change.setting, now=now, then=then, dollars=less, but=change.but))
    return sorted(savings, key=lambda saving: -saving.dollars)


def _changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    yield from _function_changes(summary, load)
    yield from _stream_changes(summary, load)
    yield from _training_changes(summary, load)
    yield from _observation_changes(summary, load)
    yield from _load_changes(summary, load)


def _function_changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    functions = summary.functions
    for setting, name, then, but in (
        ("archive_window_s", "archive_events", 300, "events are in the lake up to five minutes later"),
        ("trends_window_s", "count_trends", 60, "trending items are up to a minute older"),
        ("publish_window_s", "publish_catalog", 60, "changed items are recommended up to a minute later"),
    ):
        sources = functions[name].sources if name in functions else ()
        if sources and sources[0].window_s < then:
            longer = tuple(dataclasses.replace(source, window_s=then) for source in sources)
            changed = _with(summary, name, sources=longer)
            yield _Change(setting=setting, now=sources[0].window_s, then=then, but=but, summary=changed, load=load)
    for setting, name, then_day, but in (
        ("attribution_schedule", "attribute_outcomes", 4, "rates of clicks and sales are up to six hours older"),
        ("monitoring_schedule", "monitor_models", 4, "drift is noticed, and its alarm ends, up to six hours later"),
    ):
        if name in functions and functions[name].runs > then_day * DAYS:
            changed = _with(summary, name, runs=then_day * DAYS)
            now = f"{functions[name].runs / DAYS:g} a day"
            yield _Change(setting=setting, now=now, then="rate(6 hours)", but=but, summary=changed, load=load)
    if any(function.snap_start for function in functions.values()):
        changed = _all(summary, snap_start=False)
        but = "a cold start takes a second or more while the caller waits"
        yield _Change(setting="snap_start", now=True, then=False, but=but, summary=changed, load=load)
    if warm := max((function.provisioned for function in functions.values()), default=0):
        changed = _all(summary, provisioned=0)
        snapped = {
            name: dataclasses.replace(function, snap_start=functions[name].provisioned > 0)
            for name, function in changed.functions.items()
        }
        changed = dataclasses.replace(changed, functions=snapped)
        but = "set snap_start to true instead: a cold start takes some tenths of a second"
        yield _Change(setting="provisioned_concurrency", now=warm, then=0, but=but, summary=changed, load=load)
    if any(function.architecture != "arm64" for function in functions.values()):
        changed = _all(summary, architecture="arm64")
        but = "layers are built for the other processor"
        yield _Change(setting="architecture", now="x86_64", then="arm64", but=but, summary=changed, load=load)


def _stream_changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    stream = summary.stream
    if stream.retention_hours > 24:
        changed = dataclasses.replace(summary, stream=dataclasses.replace(stream, retention_hours=24))
        but = "records that a consumer cannot process within a day must be replayed by hand"
        yield _Change(
            setting="stream_retention_hours", now=stream.retention_hours, then=24, but=but, summary=changed, load=load
        )
    other = dataclasses.replace(stream, on_demand=not stream.on_demand)
    modes = ("on-demand", "provisioned") if stream.on_demand else ("provisioned", "on-demand")
    but = (
        "Kinesis rejects a rush above the shards' capacity until stream_shards is raised"
        if stream.on_demand
        else "AWS's documentation describes how it scales"
    )
    changed = dataclasses.replace(summary, stream=other)
    yield _Change(setting="stream_mode", now=modes[0], then=modes[1], but=but, summary=changed, load=load)


def _training_changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    training = summary.training

    def changed(**fields: object) -> BilledResources:
        return dataclasses.replace(summary, training=dataclasses.replace(training, **fields))  # type: ignore[arg-type]

    weekly = DAYS / 7
    if training.runs > weekly:
        now = f"{training.runs / DAYS:g} a day"
        but = "models are up to a week old; drift and new data still start one"
        yield _Change(
            setting="training_schedule", now=now, then="rate(7 days)", but=but, summary=changed(runs=weekly), load=load
        )
    if training.runs and not training.spot:
        but = "a job may be interrupted, and continues from its checkpoints"
        yield _Change(setting="training_spot", now=False, then=True, but=but, summary=changed(spot=True), load=load)
    if training.looks and training.look_s < 900:
        fewer = changed(look_s=900, looks=training.looks * training.look_s // 900)
        but = "a bad canary is rolled back up to a quarter of an hour later"
        yield _Change(setting="canary_interval_s", now=training.look_s, then=900, but=but, summary=fewer, load=load)
    if on_spark(summary, load) and training.spark_workers > 2:
        but = "datasets take longer"
        yield _Change(
            setting="spark_workers",
            now=training.spark_workers,
            then=2,
            but=but,
            summary=changed(spark_workers=2),
            load=load,
        )


def _observation_changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    if any(function.tracing for function in summary.functions.values()):
        changed = dataclasses.replace(_all(summary, tracing=False), machines_traced=False)
        but = "no traces: only logs show why a request was slow"
        yield _Change(setting="tracing", now=True, then=False, but=but, summary=changed, load=load)
    if summary.dashboards:
        changed = dataclasses.replace(summary, dashboards=0)
        but = "graphs are made by hand; alarms remain"
        now = "all" if summary.dashboards > 1 else "health"
        yield _Change(setting="dashboards", now=now, then="none", but=but, summary=changed, load=load)
    if any(function.reports for function in summary.functions.values()):
        but = "durations and memory are available as metrics, but not per call"
        yield _Change(
            setting="log_invocations", now=True, then=False, but=but, summary=_all(summary, reports=False), load=load
        )
    days = summary.log_retention_days
    if days is None or days > 14:
        changed = dataclasses.replace(summary, log_retention_days=14)
        but = "older log lines cannot be looked up"
        yield _Change(
            setting="log_retention_days", now=days or "for ever", then=14, but=but, summary=changed, load=load
        )


def _load_changes(summary: BilledResources, load: Load) -> Iterator[_Change]:
    if load.history_length > 50:
        changed = dataclasses.replace(load, history_length=50)
        but = "models read the latest 50 interactions of a user"
        yield _Change(
            setting="limits.history_length", now=load.history_length, then=50, but=but, summary=summary, load=changed
        )
    if load.history_days > 180:
        changed = dataclasses.replace(load, history_days=180)
        but = "models learn from half a year; older events are deleted"
        yield _Change(
            setting="limits.retention_days", now=load.history_days, then=180, but=but, summary=summary, load=changed
        )
    if load.events_per_call < 10:
        changed = dataclasses.replace(load, events_per_call=10)
        but = "the shop gathers ten events before it sends them; no setting here"
        yield _Change(
            setting="(events in a call)", now=load.events_per_call, then=10, but=but, summary=summary, load=changed
        )


def _with(summary: BilledResources, name: str, **fields: object) -> BilledResources:
    changed: Function = dataclasses.replace(summary.functions[name], **fields)  # type: ignore[arg-type]
    return dataclasses.replace(summary, functions={**summary.functions, name: changed})


def _all(summary: BilledResources, **fields: object) -> BilledResources:
    changed = {name: dataclasses.replace(function, **fields) for name, function in summary.functions.items()}  # type: ignore[arg-type]
    return dataclasses.replace(summary, functions=changed)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
