"""Report of `monitor_models`, as stored in the artefact bucket."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson

from alsolike.declarations.storage import MONITORING_PREFIX
from alsolike.lake.partitions import event_date
from alsolike.runtime.errors import InvalidInput


class Drift(StrEnum):
    """Distribution of current data that is compared with the distribution that the champion's training stored."""

    ITEM_POPULARITY = "item_popularity"
    CATEGORY_POPULARITY = "category_popularity"
    USER_ACTIVITY = "user_activity"
    HISTORY_LENGTH = "history_length"
    TOP_SCORE = "top_score"
    EVENT_TYPES = "event_types"


class Trigger(StrEnum):
    DRIFT = "drift"
    NEW_DATA = "new-data"


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """Drift metric, the population stability index of a distribution.

    Attributes
    ----------
    value
        Value of the index; None if it cannot be computed.
    by_chance
        Expected value without drift, for the sizes of both samples.
    reference, current
        Numbers of compared interactions, users or responses.
    threshold
        Value above which the index counts as drift. It is the setting plus `by_chance`, and at least a value that
        chance hardly reaches.
    above_since_ms
        Time in epoch milliseconds since which all reports on this champion exceeded the threshold; None if this report
        does not exceed the threshold.
    """

    name: Drift
    value: float | None = None
    by_chance: float | None = None
    reference: int = 0
    current: int = 0
    threshold: float | None = None
    reason: str | None = None
    above_since_ms: int | None = None

    @property
    def is_above(self) -> bool:
        return self.value is not None and self.threshold is not None and self.value > self.threshold


@dataclasses.dataclass(frozen=True, slots=True)
class DataCheck:
    """Result of a check of the window's interactions.

    Attributes
    ----------
    share
        Share of invalid rows, or for a check of volume, the relative change or the share of missing weekdays; None if
        there is nothing to check.
    bound
        Maximum of `share`.
    """

    name: str
    share: float | None
    bound: float
    rows: int

    @property
    def failed(self) -> bool:
        return self.share is not None and self.share > self.bound


class StartedTraining(StrEnum):
    """State or result of a training that monitoring started."""

    GOING = "going"
    BUSY = "busy"
    NOT_BEGUN = "not_begun"
    PROMOTED = "promoted"
    WAITING = "waiting"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def counts(self) -> bool:
        """False if the training ended without effect: another run was active, or the run failed before it acquired the
        lock.
        """
        return self not in (StartedTraining.BUSY, StartedTraining.NOT_BEGUN)


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Training that monitoring started.

    Attributes
    ----------
    champion
        Champion when the training started.
    figures
        Names of the drifted metrics. Empty if new data caused the start.
    outcome
        State of the training when the report was created.
    """

    trigger: Trigger
    name: str
    reason: str
    champion: str
    started_ms: int
    figures: tuple[str, ...] = ()
    outcome: StartedTraining = StartedTraining.GOING


@dataclasses.dataclass(frozen=True, slots=True)
class DriftThresholds:
    """Settings of a deployment for alerts and trainings.

    Attributes
    ----------
    psi
        Minimum excess of the index over its expected value without drift that counts as drift.
    hours
        Minimum duration of drift before an alert.
    retrains
        True if drift of the duration `hours` starts a training.
    new_interactions
        Value of `DriftReport.new_interactions` from which a training starts; None to disable such starts.
    silent_hours
        Age of the lake's last event, in hours, that causes an alert. Distributions are then not compared.
    stale_days
        Age of the champion's last event, in days, that causes an alert.
    """

    psi: float
    hours: int
    retrains: bool
    new_interactions: int | None
    silent_hours: int
    stale_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class DriftReport:
    """Report of one monitoring run.

    Attributes
    ----------
    champion_age_h, lake_silent_h
        Ages of the champion's last training event and of the window's last event, in hours; None without a champion,
        and without an event in the window.
    sampled
        Inverse of the share of users in the sample.
    interactions, users
        Numbers of the window's interactions and users in the sample.
    unknown_item_share
        Share of the counted interactions whose items the champion does not contain.
    unknown_user_share
        Share of users without interactions before the champion's last event, among the users for which this is known.
    new_interactions
        Number of interactions since the champion's last event, or since the last start under this champion that counts
        (`StartedTraining.counts`); None without a champion.
    last_start
        Latest training that any monitoring run started; None if there was none.
    first_of_day
        True if no earlier monitoring run of the day had a champion.
    """

    looked_ms: int
    window_from_ms: int
    rules: DriftThresholds
    champion: str | None
    champion_age_h: float | None
    lake_silent_h: float | None
    sampled: int
    interactions: int
    users: int
    figures: tuple[Figure, ...]
    checks: tuple[DataCheck, ...]
    unknown_item_share: float | None
    unknown_user_share: float | None
    new_interactions: int | None
    started: Start | None
    last_start: Start | None
    first_of_day: bool = True
    format_version: int = 1

    def held_h(self, figure: Figure) -> float | None:
        """Return the number of hours for which a metric has exceeded its threshold; None if it is below the
        threshold.
        """
        return None if figure.above_since_ms is None else (self.looked_ms - figure.above_since_ms) / 3_600_000

    @property
    def drifted(self) -> tuple[Figure, ...]:
        """Metrics that have exceeded their thresholds for the configured time, longest first."""
        held = [figure for figure in self.figures if (self.held_h(figure) or -1) >= self.rules.hours]
        return tuple(sorted(held, key=lambda figure: (figure.above_since_ms, figure.name)))

    def to_json(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> DriftReport:
        try:
            document: dict[str, Any] = orjson.loads(data)
            if document["format_version"] != 1:
                raise InvalidInput(f"the report has format_version {document['format_version']!r}, expected 1")
            values = document | {
                "rules": DriftThresholds(**document["rules"]),
                "figures": tuple(Figure(**{**figure, "name": Drift(figure["name"])}) for figure in document["figures"]),
                "checks": tuple(DataCheck(**check) for check in document["checks"]),
                "started": read_start(document["started"]),
                "last_start": read_start(document["last_start"]),
            }
            return cls(**values)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"the report of monitor_models is unreadable: {error}") from error


def read_start(document: Mapping[str, Any] | None) -> Start | None:
    if document is None:
        return None
    trigger, outcome = Trigger(document["trigger"]), StartedTraining(document["outcome"])
    return Start(**{**document, "trigger": trigger, "outcome": outcome, "figures": tuple(document["figures"])})


def report_key(looked_ms: int) -> str:
    """Return the key of a report in the artefact bucket. All reports of a day have the same key."""
    return f"{MONITORING_PREFIX}{event_date(looked_ms)}.json"
