"""The state between looks: times since when figures exceed the threshold, and started trainings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.declarations.storage import MONITORING_STATE_KEY
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object
from alsolike.training.monitoring import Start, StartedTraining, read_start


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """The findings so far.

    Attributes
    ----------
    champion
        Of the last look; another champion resets every figure.
    above
        By figure, the time since when it has exceeded the threshold at every look.
    last_start
        The last ended training that monitoring started and that got the lock.
    pending
        The training started after it; it is running, or its end has not been seen yet.
    refused
        The last start since then that did nothing; its cause still exists.
    attempts
        Number of starts since then that did nothing: Step Functions accepts the name of an execution only once.
    unsettled
        Figures that caused it and have not fallen below the threshold since, under a later champion.
    counted_from_ms
        Start of the interval in which interactions are counted.
    looked_ms
        Time of that look.
    days
        Interactions by day; the only source for days that have left the window.
    etag
        Of the stored object; None if there is none yet.
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
        """The last training that monitoring started, with any result."""
        return self.pending or self.refused or self.last_start

    def settled(self, outcome: StartedTraining) -> State:
        """Return the state with the result of the pending start."""
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
    """The state of one deployment."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._object = S3Object(client, bucket, MONITORING_STATE_KEY)

    def read(self) -> State:
        """Return the state; an initial one if there is none.

        Raises
        ------
        InvalidInput
            If it is unreadable.
        """
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
        """Replace the state that was read.

        Raises
        ------
        ConcurrentUpdate
            If another look wrote it meanwhile.
        """
        self._object.replace(
            orjson.dumps(dataclasses.replace(state, etag=None), option=orjson.OPT_INDENT_2),
            etag=state.etag,
            conflict=f"{self._object.uri} changed meanwhile: another look did",
        )
