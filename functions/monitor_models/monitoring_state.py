"""State between runs of the monitoring: lasting excesses of thresholds, started trainings, and interactions by day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import orjson

from alsolike.declarations.storage import MONITORING_STATE_KEY
from alsolike.lake.partitions import event_date
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object
from alsolike.training.monitoring import Start, StartedTraining, read_start


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """Findings of earlier runs.

    Attributes
    ----------
    champion
        Version of the champion at the last run. A new champion resets `above`.
    above
        Time in epoch milliseconds since when each metric has exceeded its threshold at every run, by metric.
    last_start
        Latest start whose result is neither `BUSY` nor `NOT_BEGUN`.
    pending
        Latest start, if its training is running, or its result is not yet known.
    refused
        Latest start after `last_start` with the result `BUSY` or `NOT_BEGUN`.
    attempts
        Number of starts after `last_start` with the result `BUSY` or `NOT_BEGUN`. Execution names contain this number,
        so that each start has a new name.
    unsettled
        Metrics that caused `last_start` and have not fallen below their threshold under a later champion.
    counted_from_ms
        Start of the interval in which interactions are counted.
    days
        Number of interactions by day, also for days before the window.
    etag
        ETag of the stored object; None if it does not exist.
    """

    champion: str | None = None
    above: Mapping[str, int] = dataclasses.field(default_factory=dict)
    last_start: Start | None = None
    pending: Start | None = None
    refused: Start | None = None
    attempts: int = 0
    unsettled: tuple[str, ...] = ()
    counted_from_ms: int = 0
    days: Mapping[str, int] = dataclasses.field(default_factory=dict)
    looked_ms: int = 0
    etag: str | None = None

    @property
    def latest_start(self) -> Start | None:
        """Latest training that monitoring started, with any result."""
        return self.pending or self.refused or self.last_start

    def merged_counts(self, counts: Mapping[str, int], *, since_ms: int) -> dict[str, int]:
        """Return the larger of the new count (`counts`) and the stored count of each day from `since_ms`.

        The new counts cover only the window. Days with neither count are missing.
        """
        first = event_date(since_ms)
        same = self.counted_from_ms == since_ms  # Other starts count other parts of the first day.
        stored = {day: count for day, count in self.days.items() if day > first or (same and day == first)}
        return {day: max(counts.get(day, 0), stored.get(day, 0)) for day in sorted({*counts, *stored})}

    def settled(self, outcome: StartedTraining) -> State:
        if self.pending is None:
            return self
        start = dataclasses.replace(self.pending, outcome=outcome)
        if outcome is StartedTraining.GOING:
            return self
        if not outcome.counts:
            return dataclasses.replace(self, pending=None, refused=start, attempts=self.attempts + 1)
        return dataclasses.replace(
            self, last_start=start, pending=None, refused=None, attempts=0, unsettled=start.figures
        )


class StateStore:
    def __init__(self, client: S3Client, bucket: str) -> None:
        self._object = S3Object(client, bucket, MONITORING_STATE_KEY)

    def read(self) -> State:
        if (stored := self._object.read()) is None:
            return State()
        try:
            document = orjson.loads(stored.body)
            for name in ("last_start", "pending", "refused"):
                document[name] = read_start(document[name])
            document["unsettled"] = tuple(document["unsettled"])
            return State(**{**document, "etag": stored.etag})
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{self._object.uri} is unreadable: {error}; delete it to restart all figures"
            ) from error

    def write(self, state: State) -> None:
        """Raise `ConcurrentUpdate` if another run replaced the state."""
        self._object.replace(
            orjson.dumps(dataclasses.replace(state, etag=None), option=orjson.OPT_INDENT_2),
            etag=state.etag,
            conflict=f"{self._object.uri} was changed by another monitoring run",
        )
