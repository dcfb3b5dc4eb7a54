"""Interactions by day, read from S3 and stored on disk while results of surrounding days depend on them.

The files of a day contain events by the day of the response that they reference, hashes of events, and event counts by
item.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.times import DAY_MS
from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from functions.attribute_outcomes.attribution_rules import Reason
from functions.attribute_outcomes.disk_partitions import (
    BATCH_ROWS,
    KEY,
    Hashes,
    Part,
    Records,
    Spill,
    between,
    hashes_of,
    parts_for,
    starts,
)
from functions.attribute_outcomes.inputs import Inputs
from functions.attribute_outcomes.response_items import Items
from functions.attribute_outcomes.responses import read

EVENTS = arrow_schema(
    pa, INTERACTIONS_COLUMNS, "event_id", "received_time_ms", "event_time_ms", "user_id", "session_id", "item_id",
    "event_type", "event_value", "recommendation_id", "impression",
)  # fmt: skip
"""Columns of events that attribution reads. `deduplicate` requires the columns up to `session_id`."""

JUDGED = EVENTS.append(pa.field("reason", pa.string()))
"""Columns of `EVENTS`, and the rejection reason if the recommendation ID and the day of the event determine it."""

_ITEMS = MappingProxyType({"item": "<i4"})
_COPIES = MappingProxyType({"result_day": "<i4", "received_ms": "<i8"})
_EVENT_BYTES = 40  # Assumed size of an event in S3, in bytes.
_FORGED = -1
_NEVER = np.iinfo(np.int64).max


class EventDays:
    """Days of interactions, stored in files. `answer_days` are the days of responses whose events are required."""

    def __init__(self, inputs: Inputs, *, items: Items, directory: Path, answer_days: Iterable[int]) -> None:
        self._inputs, self._items, self._directory = inputs, items, directory
        self._read: dict[int, dict[int, Part]] = {}
        self._answered, self._requested_days = inputs.answered(), set(answer_days)

    def events(self, answer_day: int) -> list[Part]:
        """Return the events for a day's results with the columns `JUDGED`, including duplicates."""
        days = [self._prepared(day) for day in self._inputs.event_days(answer_day)]
        return [named[answer_day] for named in days if answer_day in named]

    def forget(self, answer_day: int) -> None:
        """Delete the events for the results of one day. No other results use them."""
        self._requested_days.discard(answer_day)
        for named in self._read.values():
            if answer_day in named:
                named.pop(answer_day).remove()

    def are_duplicates(self, events: pa.Table, answer_day: int, *, late: bool) -> npt.NDArray[np.bool_]:
        """Return a mask of the events that have a duplicate which counts in another day's results.

        The duplicate that was received first on the surrounding days counts. If times are equal, the duplicate in the
        earlier day's results counts.
        """
        hashes, received_ms = _event_hashes(events), _received_ms(events)
        order = np.argsort(hashes)
        hashes, duplicate = hashes[order], np.zeros(len(events), bool)
        for day in self._inputs.copy_days(answer_day, late=late) if len(events) else ():
            self._prepared(day)
            for copies in between(self._copies(day), _COPIES, hashes[0], hashes[-1]):
                others = copies[copies["result_day"] != answer_day]
                places = np.searchsorted(hashes, np.ascontiguousarray(others[KEY]))
                same = hashes[places] == others[KEY]
                places, others = order[places[same]], others[same]
                earlier = others["result_day"] < answer_day
                first = others["received_ms"] - earlier < received_ms[places]
                duplicate[places[first]] = True
        return duplicate

    def popularity(self, answer_day: int) -> npt.NDArray[np.int64]:
        """Return the number of events per item index."""
        counts = np.zeros(len(self._items), np.int64)
        for day in self._inputs.popularity_days(answer_day):
            self._prepared(day)
            event_counts = np.load(self._path(day) / "counts.npy")
            counts = np.pad(counts, (0, len(self._items) - len(counts)))
            counts[: len(event_counts)] += event_counts
        return counts

    def keep_only(self, days: Iterable[int]) -> None:
        for day in self._read.keys() - set(days):
            shutil.rmtree(self._path(day))
            del self._read[day]

    def _path(self, day: int) -> Path:
        return self._directory / f"events-{day}"

    def _copies(self, day: int) -> Path:
        """Return the path of a day's records: hash, result day and first time of receipt of each event."""
        return self._path(day) / "copies"

    def _prepared(self, day: int) -> dict[int, Part]:
        """Read a day unless its files exist. Return its events by result day, for the requested result days."""
        if day not in self._read:
            path = self._path(day)
            shutil.rmtree(path, ignore_errors=True)  # A failed attempt may have left files.
            path.mkdir(parents=True)
            self._read[day] = self._prepare(day, path)
        return self._read[day]

    def _prepare(self, day: int, path: Path) -> dict[int, Part]:
        objects = self._inputs.interactions[day]
        parts = parts_for(sum(stored.size_bytes for stored in objects) / _EVENT_BYTES, BATCH_ROWS)
        named: dict[int, Spill] = {}
        items, copies = Records(path, "items", _ITEMS, parts=parts), Records(path, "copies", _COPIES, parts=parts)
        for rows in self._inputs.read(objects, EVENTS):
            with_item = rows.filter(pc.is_valid(rows["item_id"]))
            items.add(_event_hashes(with_item), item=self._items.numbers(with_item["item_id"]))
            for result_day, events in self._judged(rows.filter(pc.is_valid(rows["recommendation_id"])), day):
                copies.add(_event_hashes(events), result_day=result_day, received_ms=_received_ms(events))
                if result_day in self._requested_days:
                    named.setdefault(result_day, Spill(path, str(result_day), JUDGED)).add(events)
        for spill in named.values():
            spill.close()
        counts = np.zeros(len(self._items), np.int64)
        for batch in items.ordered():  # Each event counts once per item, however often it is stored.
            counts += np.bincount(batch["item"], minlength=len(counts))
        np.save(path / "counts.npy", counts)
        with self._copies(day).open("wb") as file:
            for batch in copies.ordered():
                batch[starts(batch, KEY, "result_day")].tofile(file)
        return {result_day: spill.parts[0] for result_day, spill in named.items()}

    def _judged(self, events: pa.Table, day: int) -> Iterator[tuple[int, pa.Table]]:
        """Yield events by result day, with the rejection reason if it is already known.

        The result day is the day of the referenced response, or the day of the event itself if the event is rejected.
        """
        answered = _answer_days(events["recommendation_id"].combine_chunks())
        for answer_day in np.unique(answered).tolist():
            batch = events.filter(pa.array(answered == answer_day))
            reason = None
            if answer_day == _FORGED:
                reason = Reason.FORGED
            elif day not in self._inputs.rules.event_days(answer_day):
                reason = Reason.TOO_LATE if day > answer_day else Reason.BEFORE_SERVED
            elif answer_day not in self._answered:
                reason = Reason.UNKNOWN_ANSWER
            reasons = pa.array([reason] * len(batch), pa.string())
            yield (answer_day if reason is None else day), batch.append_column("reason", reasons)


def _event_hashes(events: pa.Table) -> Hashes:
    """Return a hash per event. Duplicates have equal hashes (`COPY_KEY`)."""
    owner = pc.coalesce(events["user_id"], events["session_id"], "")
    return hashes_of(pc.binary_join_element_wise(events["event_id"], owner, "\n"))


def _received_ms(events: pa.Table) -> npt.NDArray[np.int64]:
    received: npt.NDArray[np.int64] = events["received_time_ms"].fill_null(_NEVER).to_numpy()
    return received


def _answer_days(ids: pa.Array) -> npt.NDArray[np.int64]:
    lists = read(ids)
    return np.where(lists.genuine, lists.answered_ms // DAY_MS, _FORGED)
