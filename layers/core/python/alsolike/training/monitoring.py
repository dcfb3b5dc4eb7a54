"""The findings of `monitor_models` at its last look, in the form in which they are stored and shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson

from alsolike.declarations.storage import MONITORING_PREFIX
from alsolike.lake.lake import event_date
from alsolike.runtime.errors import InvalidInput


class Drift(StrEnum):
    """The distributions that are compared with the time before the training."""

    ITEM_POPULARITY = "item_popularity"
    CATEGORY_POPULARITY = "category_popularity"
    USER_ACTIVITY = "user_activity"
    HISTORY_LENGTH = "history_length"
    TOP_SCORE = "top_score"
    EVENT_TYPES = "event_types"


class Trigger(StrEnum):
    """The cause of a training."""

    DRIFT = "drift"
    NEW_DATA = "new-data"


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """A population stability index.

    Attributes
    ----------
    value
        None if there is none; then `reason` says why.
    by_chance
        Its mean without any drift, for the numbers of both samples.
    reference, current
        Numbers of interactions, users or answers compared.
    threshold
        The value above which it is drift: the setting plus `by_chance`, and at least what chance hardly reaches.
    above_since_ms
        Time since when it has exceeded the threshold at every look; None if it does not.
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
        """True if it exceeds its threshold."""
        return self.value is not None and self.threshold is not None and self.value > self.threshold


@dataclasses.dataclass(frozen=True, slots=True)
class DataCheck:
    """A share of faulty rows, compared with its declared bound.

    Attributes
    ----------
    share
        None if no row could be judged.
    rows
        Number of judged rows.
    """

    name: str
    share: float | None
    bound: float
    rows: int

    @property
    def failed(self) -> bool:
        """True if it exceeds its bound."""
        return self.share is not None and self.share > self.bound


class StartedTraining(StrEnum):
    """The result of a training that was started."""

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
        """True if the training did something; it did not if another run was active or it never got the lock."""
        return self not in (StartedTraining.BUSY, StartedTraining.NOT_BEGUN)


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """A training that was started.

    Attributes
    ----------
    name
        Of the execution.
    figures
        The drifted figures; empty if new data was the cause.
    champion
        The champion at the start.
    outcome
        The state at the look that reports it.
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
    """Thresholds of alerts and trainings; all are settings of the deployment.

    Attributes
    ----------
    psi
        Minimum index of a drifted figure beyond chance.
    hours
        Minimum duration of its excess.
    retrains
        True if drift then starts a training.
    new_interactions
        Number of interactions since the champion that starts a training; None for no such start.
    silent_hours
        Age of the lake's last event that causes an alert; then nothing is compared.
    stale_days
        Age of the champion's last event that causes an alert.
    """

    psi: float
    hours: int
    retrains: bool
    new_interactions: int | None
    silent_hours: int
    stale_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class DriftReport:
    """The report of a look.

    Attributes
    ----------
    champion
        None before the first champion.
    sampled
        One in this number of users was sampled.
    interactions, users
        Of the window, among the sampled users.
    unknown_item_share
        Share of the counted interactions that have items unknown to the champion.
    unknown_user_share
        Share of the users without interactions before the champion's last event.
    champion_age_h, lake_silent_h
        Age of the champion's and of the lake's last event; None without any.
    new_interactions
        Since the champion's last event, or since the last start that counts; None if they were not counted.
    started
        The training that this look started.
    last_start
        The training that this or an earlier look started last.
    first_of_day
        True for the day's first look under a champion.
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
        """Return the number of hours for which a figure has exceeded the threshold."""
        return None if figure.above_since_ms is None else (self.looked_ms - figure.above_since_ms) / 3_600_000

    @property
    def drifted(self) -> tuple[Figure, ...]:
        """The figures that have exceeded the threshold for the configured time, the longest first."""
        held = [figure for figure in self.figures if (self.held_h(figure) or -1) >= self.rules.hours]
        return tuple(sorted(held, key=lambda figure: (figure.above_since_ms, figure.name)))

    def to_json(self) -> bytes:
        """Return the report as indented JSON."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> DriftReport:
        """Read a report.

        Raises
        ------
        InvalidInput
            If it is none of this version.
        """
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
    """Return the start in a JSON document.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it has another form.
    """
    if document is None:
        return None
    trigger, outcome = Trigger(document["trigger"]), StartedTraining(document["outcome"])
    return Start(**{**document, "trigger": trigger, "outcome": outcome, "figures": tuple(document["figures"])})


def report_key(looked_ms: int) -> str:
    """Return the key of a day's report in the artefact bucket; the day's last look overwrites it."""
    return f"{MONITORING_PREFIX}{event_date(looked_ms)}.json"
