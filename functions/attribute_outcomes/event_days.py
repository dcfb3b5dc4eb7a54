"""The interactions of each day, read once: events that name an answer by the day of that answer, and items' counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from functions.attribute_outcomes.ids import read
from functions.attribute_outcomes.inputs import Inputs
from functions.attribute_outcomes.items import Items
from functions.attribute_outcomes.pairs import Pairs
from functions.attribute_outcomes.reading import rows_of
from functions.attribute_outcomes.rules import DAY_MS, Reason, Rules, is_near
from functions.attribute_outcomes.spill import Hashes, Spill, hashes_of, read_pieces

_TEXT = pa.string()
EVENTS = pa.schema(
    [
        ("event_id", _TEXT),
        ("received_time_ms", pa.int64()),
        ("event_time_ms", pa.int64()),
        ("user_id", _TEXT),
        ("session_id", _TEXT),
        ("item_id", _TEXT),
        ("event_type", _TEXT),
        ("event_value", pa.float64()),
        ("recommendation_id", _TEXT),
        ("impression", pa.list_(_TEXT)),
    ]
)
"""What is read of an event: all that decides which copy of it counts, up to the last column that is needed."""

JUDGED = EVENTS.append(pa.field("reason", _TEXT))
"""An event, and why it does not count as far as its id alone says."""

COPIES = JUDGED.append(pa.field("elsewhere", pa.bool_()))
"""A copy of an event, and whether another day's results tell of it."""

_CONTESTED = JUDGED.append(pa.field("told_by", pa.int64()))
_FORGED = -1


class EventDays:
    """The days of interactions that one call has read, in files."""

    def __init__(
        self, client: Any, bucket: str, inputs: Inputs, *, items: Items, rules: Rules, directory: Path
    ) -> None:
        self._client, self._bucket, self._inputs = client, bucket, inputs
        self._items, self._rules, self._directory = items, rules, directory
        self._read: set[int] = set()
        self._answered = inputs.answered()

    def events(self, answer_day: int) -> Iterator[pa.Table]:
        """Yield the events that a day's results tell of, in the columns of `COPIES`, repeated ones included.

        With them come copies that name answers of other days, where they happened on the same day: of all copies of
        an event one counts.
        """
        for day in self._inputs.event_days(answer_day):
            self._prepare(day)
            for piece in read_pieces(self._file(day, answer_day)):
                yield _copies(piece, elsewhere=False)
            for piece in read_pieces(self._file(day, "contested")):
                others = piece.filter(pc.not_equal(piece["told_by"], answer_day))
                yield _copies(others.select(JUDGED.names), elsewhere=True)

    def forget(self, answer_day: int) -> None:
        """Give the place on the disk of what `events` yields of the day alone back; only it reads that."""
        for day in self._inputs.event_days(answer_day):
            self._file(day, answer_day).unlink(missing_ok=True)

    def popularity(self, answer_day: int) -> npt.NDArray[np.int64]:
        """Return how many events there are about each item, by number, on the days that tell how popular it was."""
        counts = np.zeros(len(self._items), np.int64)
        for day in self._inputs.popularity_days(answer_day):
            self._prepare(day)
            of_day = np.load(self._path(day) / "counts.npy")
            counts = np.pad(counts, (0, len(self._items) - len(counts)))
            counts[: len(of_day)] += of_day
        return counts

    def keep_only(self, days: Iterable[int]) -> None:
        """Give the place on the disk of other days back."""
        for day in self._read - set(days):
            shutil.rmtree(self._path(day))
            self._read.discard(day)

    def _path(self, day: int) -> Path:
        return self._directory / f"events-{day}"

    def _file(self, day: int, name: int | str) -> Path:
        """Return the file that `Spill` makes of some of a day's events."""
        return self._path(day) / f"{name}-0.arrow"

    def _prepare(self, day: int) -> None:
        if day in self._read:
            return
        path = self._path(day)
        shutil.rmtree(path, ignore_errors=True)  # what a try that failed has left
        path.mkdir(parents=True)
        named: dict[int, Spill] = {}
        items, told = Pairs(path, "items"), Pairs(path, "told")
        for rows in rows_of(self._client, self._bucket, self._inputs.interactions[day], EVENTS):
            about = rows.filter(pc.is_valid(rows["item_id"]))
            items.add(hashes_of(about["event_id"]), self._items.numbers(about["item_id"]))
            for answer_day, events in self._judged(rows.filter(pc.is_valid(rows["recommendation_id"])), day):
                named.setdefault(answer_day, Spill(path, str(answer_day), JUDGED)).add(events)
                told.add(hashes_of(events["event_id"]), answer_day)
        for spill in named.values():
            spill.close()
        counts = np.zeros(len(self._items), np.int64)
        for _, item in items.unique():  # each event once about an item, however often it is stored
            counts += np.bincount(item, minlength=len(counts))
        np.save(path / "counts.npy", counts)
        self._contest(day, named, np.concatenate([keys[1:][keys[1:] == keys[:-1]] for keys, _ in told.unique()]))
        self._read.add(day)

    def _contest(self, day: int, named: Iterable[int], hashes: Hashes) -> None:
        """Put the copies of events of which several days' results tell aside: there are few such events."""
        with Spill(self._path(day), "contested", _CONTESTED) as contested:
            for answer_day in sorted(named) if len(hashes) else ():
                for piece in read_pieces(self._file(day, answer_day)):
                    some = piece.filter(pa.array(np.isin(hashes_of(piece["event_id"]), hashes)))
                    contested.add(some.append_column("told_by", pa.array([answer_day] * len(some), pa.int64())))

    def _judged(self, events: pa.Table, day: int) -> Iterator[tuple[int, pa.Table]]:
        """Part events by the day whose results tell of them."""
        answered = _answer_days(events["recommendation_id"].combine_chunks())
        for answer_day in np.unique(answered).tolist():
            some = events.filter(pa.array(answered == answer_day))
            reason = None
            if answer_day == _FORGED:
                reason = Reason.FORGED
            elif not is_near(day, answer_day, self._rules):
                reason = Reason.TOO_LATE if day > answer_day else Reason.BEFORE_SERVED
            elif answer_day not in self._answered:
                reason = Reason.UNKNOWN_ANSWER
            reasons = pa.array([reason] * len(some), _TEXT)
            yield (answer_day if reason is None else day), some.append_column("reason", reasons)


def _copies(events: pa.Table, *, elsewhere: bool) -> pa.Table:
    return events.append_column("elsewhere", pa.array([elsewhere] * len(events), pa.bool_()))


def _answer_days(ids: pa.Array) -> npt.NDArray[np.int64]:
    found = read(ids)
    return np.where(found.genuine, found.answered_ms // DAY_MS, _FORGED)
