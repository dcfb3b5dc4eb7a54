"""Comparison of current data with the champion's training data, and start of due trainings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.storage import MONITORING_LATEST_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.lake.lake_objects import list_objects
from alsolike.lake.partitions import event_date
from alsolike.profiles.profile_table import ProfileStore
from alsolike.registry.training_lock import TrainingLock
from alsolike.runtime.client_protocols import S3Client, StepFunctionsClient
from alsolike.runtime.observability import logger
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.snapshot import Snapshot
from alsolike.training.executions import execution_name
from alsolike.training.monitoring import DataCheck, Drift, DriftReport, DriftThresholds, Figure, report_key
from alsolike.training.stability_index import WINDOW_DAYS
from functions.monitor_models import drift_metrics
from functions.monitor_models.champion_reference import Baseline, read_baseline
from functions.monitor_models.lake_reader import Window, counts_by_day, read_scores, read_window
from functions.monitor_models.monitoring_state import State, StateStore
from functions.monitor_models.profile_statistics import ProfileStatistics, look_at
from functions.monitor_models.training_start import due, outcome_of, start

HOUR_MS = 3_600_000
UNKNOWN_ITEM, MAX_UNKNOWN = "item_unknown", 0.5
"""Name and maximum value of the check on the share of interactions with items that the champion does not contain."""


@dataclasses.dataclass(frozen=True, slots=True)
class MonitoringStores:
    s3: S3Client
    states: StepFunctionsClient
    lake_bucket: str
    artefact_bucket: str
    profiles: ProfileStore
    state_machine_arn: str
    directory: Path


def look(stores: MonitoringStores, *, configuration: Configuration, rules: DriftThresholds, now_ms: int) -> DriftReport:
    """Compare the distributions, update the state, start a training if it is due, and store and return the report.

    Raise `ConcurrentUpdate` if another run updated the state. A training that is due in both runs is started only once.
    """
    store = StateStore(stores.s3, stores.artefact_bucket)
    before = store.read()
    if before.pending is not None:
        before = before.settled(outcome_of(stores.states, stores.state_machine_arn, before.pending))
    baseline = read_baseline(stores.s3, stores.artefact_bucket)
    from_ms = now_ms - WINDOW_DAYS * DAY_MS
    window = read_window(
        stores.s3,
        stores.lake_bucket,
        list(list_objects(stores.s3, stores.lake_bucket)),
        configuration=configuration,
        from_ms=from_ms,
        now_ms=now_ms,
    )
    silent_h = None if window.last_ms is None else max(0.0, (now_ms - window.last_ms) / HOUR_MS)
    comparison = _compare(stores, baseline, window, silent_h=silent_h, rules=rules, from_ms=from_ms, now_ms=now_ms)
    report = DriftReport(
        looked_ms=now_ms,
        window_from_ms=from_ms,
        rules=rules,
        champion=baseline.champion.version if baseline else None,
        champion_age_h=(now_ms - baseline.bundle.last_event_ms) / HOUR_MS if baseline else None,
        lake_silent_h=silent_h,
        sampled=window.one_of,
        interactions=len(window.counted),
        users=int(window.counted["profile_id"].nunique()),
        figures=comparison.figures,
        checks=(
            *drift_metrics.checks(window.events, configuration, now_ms=now_ms),
            *comparison.volume,
            DataCheck(UNKNOWN_ITEM, comparison.unknown_items, MAX_UNKNOWN, len(window.counted)),
        ),
        unknown_item_share=comparison.unknown_items,
        unknown_user_share=comparison.unknown_users,
        new_interactions=None,
        started=None,
        last_start=before.latest_start,
        first_of_day=event_date(before.looked_ms) != event_date(now_ms),
    )
    if baseline is not None:
        report, after = _judge(stores, report, before, baseline, window)
        store.write(after)
    for key in (report_key(now_ms), MONITORING_LATEST_KEY):
        S3Object(stores.s3, stores.artefact_bucket, key).write(report.to_json())
    return report


class _Comparison(NamedTuple):
    figures: tuple[Figure, ...]
    volume: tuple[DataCheck, ...] = ()
    unknown_items: float | None = None
    unknown_users: float | None = None


def _compare(
    stores: MonitoringStores,
    baseline: Baseline | None,
    window: Window,
    *,
    silent_h: float | None,
    rules: DriftThresholds,
    from_ms: int,
    now_ms: int,
) -> _Comparison:
    if baseline is None:
        return _none("there is no champion yet")
    if silent_h is None or silent_h > rules.silent_hours:
        return _none(f"the lake has had no event for {rules.silent_hours} hours")
    known = drift_metrics.known_to(baseline, window.counted)
    dataset = baseline.dataset
    minimum = dataset.minimum_user_interactions if dataset else 1
    active, activity = drift_metrics.active_users(known, minimum_user_interactions=minimum)
    profile_ids = window.counted["profile_id"].unique()
    profile_statistics = look_at(profile_ids, activity.index, profiles=stores.profiles, bundle=baseline.bundle)

    def scores() -> pd.Series[float]:
        version = baseline.champion.version
        return read_scores(stores.s3, stores.lake_bucket, version=version, from_ms=from_ms)

    return _Comparison(
        figures=(
            *_dataset_figures(
                baseline, active, activity, profile_statistics, lambda: _catalogue(stores, now_ms=now_ms), rules.psi
            ),
            _score_figure(baseline, scores, rules.psi),
        ),
        volume=_volume(baseline, window),
        unknown_items=1 - len(known) / len(window.counted) if len(window.counted) else None,
        unknown_users=profile_statistics.unknown / profile_statistics.looked_at
        if profile_statistics.looked_at
        else None,
    )


def _dataset_figures(
    baseline: Baseline,
    active: pd.DataFrame,
    activity: pd.Series[int],
    profile_statistics: ProfileStatistics,
    catalogue: Callable[[], Snapshot],
    threshold: float,
) -> list[Figure]:
    """Return the drift metrics whose reference is in the dataset's manifest."""
    names = [name for name in Drift if name is not Drift.TOP_SCORE]
    if baseline.dataset is None:
        return [Figure(name, reason=f"dataset {baseline.bundle.dataset_id} was deleted") for name in names]
    reference = baseline.dataset.reference
    if reference is None:
        return [Figure(name, reason="the dataset of an earlier version has no reference") for name in names]
    categories = None
    if reference.category_popularity is not None:
        categories = drift_metrics.category_popularity(reference.category_popularity, active, catalogue())
    types = None if reference.event_types is None else drift_metrics.event_types(reference.event_types, active)
    bins = {
        Drift.ITEM_POPULARITY: drift_metrics.item_popularity(reference.item_popularity, active),
        Drift.CATEGORY_POPULARITY: categories,
        Drift.USER_ACTIVITY: drift_metrics.counted(reference.user_activity, activity.value_counts().to_dict()),
        Drift.HISTORY_LENGTH: drift_metrics.counted(reference.history_length, profile_statistics.lengths),
        Drift.EVENT_TYPES: types,
    }
    reasons = {
        Drift.CATEGORY_POPULARITY: "no column of the items is like a category",
        Drift.EVENT_TYPES: "the dataset of an earlier version has no event types",
    }
    return [drift_metrics.figure(name, bins[name], psi_threshold=threshold, reason=reasons.get(name)) for name in names]


def _volume(baseline: Baseline, window: Window) -> tuple[DataCheck, ...]:
    reference = baseline.dataset.reference if baseline.dataset else None
    if reference is None or reference.weekdays is None:
        return ()
    return drift_metrics.volume(reference.weekdays, window.counted, one_of=window.one_of)


def _score_figure(baseline: Baseline, scores: Callable[[], pd.Series[float]], threshold: float) -> Figure:
    reference = baseline.bundle.top_scores
    bins = None if reference is None else drift_metrics.counted(reference, scores().value_counts().to_dict())
    reason = "the champion of an earlier version has no reference"
    return drift_metrics.figure(Drift.TOP_SCORE, bins, psi_threshold=threshold, reason=reason)


def _none(reason: str) -> _Comparison:
    return _Comparison(tuple(Figure(name, reason=reason) for name in Drift))


def _catalogue(stores: MonitoringStores, *, now_ms: int) -> Snapshot:
    return SnapshotReader(stores.s3, stores.artefact_bucket, stores.directory).current(now_ms=now_ms)


def _judge(
    stores: MonitoringStores, report: DriftReport, before: State, baseline: Baseline, window: Window
) -> tuple[DriftReport, State]:
    """Return the report, and the state with the time since when each metric has exceeded its threshold.

    Start a training if it is due and no other run is active.
    """
    rules, now_ms, version = report.rules, report.looked_ms, baseline.champion.version
    above = {
        figure.name.value: before.above.get(figure.name, now_ms) if before.champion == version else now_ms
        for figure in report.figures
        if figure.is_above
    }
    unsettled = before.unsettled
    if before.last_start is not None and before.last_start.champion != version:
        not_above = {figure.name for figure in report.figures if figure.value is not None and not figure.is_above}
        unsettled = tuple(name for name in unsettled if name not in not_above)
    since_ms = _counted_from(before, baseline)
    days = before.merged_counts(counts_by_day(window, since_ms=since_ms), since_ms=since_ms)
    report = dataclasses.replace(
        report,
        figures=tuple(dataclasses.replace(figure, above_since_ms=above.get(figure.name)) for figure in report.figures),
        new_interactions=sum(days.values()),
    )
    after = dataclasses.replace(
        before,
        champion=version,
        above=above,
        unsettled=unsettled,
        counted_from_ms=since_ms,
        days=days,
        looked_ms=now_ms,
    )
    starting = due(
        after,
        report.drifted,
        champion=version,
        new_interactions=report.new_interactions,
        rules=rules,
        now_ms=now_ms,
    )
    if starting is None:
        return report, after
    lock = TrainingLock(stores.s3, stores.states, stores.artefact_bucket)
    holder = lock.running()
    # An earlier run may have started the execution without recording it.
    if holder is not None and execution_name(holder.execution_id) != starting.name:
        logger.info("training is due, but another run is active", due=starting.name, execution=holder.execution_id)
        return report, after  # The next run tries again.
    # The training starts before the state is stored. If the run fails in between, the next run repeats the start with
    # the same name, which has no effect.
    start(stores.states, stores.state_machine_arn, starting)
    return dataclasses.replace(report, started=starting, last_start=starting), dataclasses.replace(
        after, pending=starting
    )


def _counted_from(state: State, baseline: Baseline) -> int:
    """Return the time from which interactions are new, in epoch milliseconds.

    This is the later of the champion's last event and the last start of a training under this champion.
    """
    last = state.last_start
    tried_ms = last.started_ms if last is not None and last.champion == baseline.champion.version else 0
    return max(baseline.bundle.last_event_ms, tried_ms)
