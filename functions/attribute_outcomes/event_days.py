"""The interactions of each day, read once: events that name an answer by the day of that answer, and items' counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from functions.attribute_outcomes.disk_partitions import Hashes, Part, Spill, hashes_of, parts_for
from functions.attribute_outcomes.ids import read
from functions.attribute_outcomes.inputs import Inputs
from functions.attribute_outcomes.items import Items
from functions.attribute_outcomes.object_reader import rows_of
from functions.attribute_outcomes.records import AT_ONCE, KEY, Records, between, starts
from functions.attribute_outcomes.rules import DAY_MS, AttributionRules, Reason, is_near

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
"""The columns that are read of an event: those that select its copy, up to the last needed one."""

JUDGED = EVENTS.append(pa.field("reason", _TEXT))
"""An event, and the reason if its id is enough to reject it."""

_ITEMS = MappingProxyType({"item": "<i4"})
_COPIES = MappingProxyType({"told_by": "<i4", "received_ms": "<i8"})
_EVENT_BYTES = 40  # approximate size in S3; the id, which does not compress, takes 16
_FORGED = -1
_NEVER = np.iinfo(np.int64).max


class EventDays:
    """The days of interactions that one call has read, in files.

    Parameters
    ----------
    answer_days
        The days whose events are needed.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        inputs: Inputs,
        *,
        items: Items,
        rules: AttributionRules,
        directory: Path,
        answer_days: Iterable[int],
    ) -> None:
        self._client, self._bucket, self._inputs = client, bucket, inputs
        self._items, self._rules, self._directory = items, rules, directory
        self._read: dict[int, dict[int, Part]] = {}
        self._answered, self._asked = inputs.answered(), set(answer_days)

    def events(self, answer_day: int) -> list[Part]:
        """Return the events of a day's results, in the columns of `JUDGED`, repeated ones included."""
        days = [self._prepared(day) for day in self._inputs.event_days(answer_day)]
        return [named[answer_day] for named in days if answer_day in named]

    def forget(self, answer_day: int) -> None:
        """Delete the files of a day's events, which only its results use."""
        self._asked.discard(answer_day)
        for named in self._read.values():
            if answer_day in named:
                named.pop(answer_day).remove()

    def are_again(self, events: pa.Table, answer_day: int, *, late: bool) -> npt.NDArray[np.bool_]:
        """Return, per event of a day's results, true if it is a copy of an event in another day's results.

        The copy received first on the surrounding days is the event. At the same millisecond, the copy in the earlier
        day's results is. So all days agree.
        """
        hashes, received_ms = _event_hashes(events), _received_ms(events)
        order = np.argsort(hashes)
        hashes, again = hashes[order], np.zeros(len(events), bool)
        for day in self._inputs.copy_days(answer_day, late=late) if len(events) else ():
            self._prepared(day)
            for copies in between(self._copies(day), _COPIES, hashes[0], hashes[-1]):
                others = copies[copies["told_by"] != answer_day]
                places = np.searchsorted(hashes, np.ascontiguousarray(others[KEY]))
                same = hashes[places] == others[KEY]
                places, others = order[places[same]], others[same]
                earlier = others["told_by"] < answer_day
                first = others["received_ms"] - earlier < received_ms[places]
                again[places[first]] = True
        return again

    def popularity(self, answer_day: int) -> npt.NDArray[np.int64]:
        """Return the number of events per item, by number, on the days that determine its popularity."""
        counts = np.zeros(len(self._items), np.int64)
        for day in self._inputs.popularity_days(answer_day):
            self._prepared(day)
            of_day = np.load(self._path(day) / "counts.npy")
            counts = np.pad(counts, (0, len(self._items) - len(counts)))
            counts[: len(of_day)] += of_day
        return counts

    def keep_only(self, days: Iterable[int]) -> None:
        """Give the place on the disk of other days back."""
        for day in self._read.keys() - set(days):
            shutil.rmtree(self._path(day))
            del self._read[day]

    def _path(self, day: int) -> Path:
        return self._directory / f"events-{day}"

    def _copies(self, day: int) -> Path:
        """Return the sorted file with each event's result day and time of first receipt."""
        return self._path(day) / "copies"

    def _prepared(self, day: int) -> dict[int, Part]:
        """Return a day's events by the day whose results include them, for the requested days."""
        if day not in self._read:
            path = self._path(day)
            shutil.rmtree(path, ignore_errors=True)  # files of a failed attempt
            path.mkdir(parents=True)
            self._read[day] = self._prepare(day, path)
        return self._read[day]

    def _prepare(self, day: int, path: Path) -> dict[int, Part]:
        objects = self._inputs.interactions[day]
        parts = parts_for(sum(stored.size_bytes for stored in objects) / _EVENT_BYTES, AT_ONCE)
        named: dict[int, Spill] = {}
        items, copies = Records(path, "items", _ITEMS, parts=parts), Records(path, "copies", _COPIES, parts=parts)
        for rows in rows_of(self._client, self._bucket, objects, EVENTS):
            about = rows.filter(pc.is_valid(rows["item_id"]))
            items.add(_event_hashes(about), item=self._items.numbers(about["item_id"]))
            for told_by, events in self._judged(rows.filter(pc.is_valid(rows["recommendation_id"])), day):
                copies.add(_event_hashes(events), told_by=told_by, received_ms=_received_ms(events))
                if told_by in self._asked:
                    named.setdefault(told_by, Spill(path, str(told_by), JUDGED)).add(events)
        for spill in named.values():
            spill.close()
        counts = np.zeros(len(self._items), np.int64)
        for some in items.ordered():  # each event once about an item, however often it is stored
            counts += np.bincount(some["item"], minlength=len(counts))
        np.save(path / "counts.npy", counts)
        with self._copies(day).open("wb") as file:
            for some in copies.ordered():
                some[starts(some, KEY, "told_by")].tofile(file)
        return {told_by: spill.parts[0] for told_by, spill in named.items()}

    def _judged(self, events: pa.Table, day: int) -> Iterator[tuple[int, pa.Table]]:
        """Yield events by the day whose results include them."""
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


def _event_hashes(events: pa.Table) -> Hashes:
    """Return the hash of each event; copies of one have the same (`COPY_KEY`)."""
    owner = pc.coalesce(events["user_id"], events["session_id"], "")
    return hashes_of(pc.binary_join_element_wise(events["event_id"], owner, "\n"))


def _received_ms(events: pa.Table) -> npt.NDArray[np.int64]:
    received: npt.NDArray[np.int64] = events["received_time_ms"].fill_null(_NEVER).to_numpy()
    return received


def _answer_days(ids: pa.Array) -> npt.NDArray[np.int64]:
    lists = read(ids)
    return np.where(lists.genuine, lists.answered_ms // DAY_MS, _FORGED)
