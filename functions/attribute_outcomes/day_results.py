"""Results of one day, computed with bounded memory."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.lake.duplicates import deduplicate
from alsolike.records.engagement import Engagement
from functions.attribute_outcomes.attribution_rules import Reason
from functions.attribute_outcomes.disk_partitions import Part, Spill, parts_for, parts_of
from functions.attribute_outcomes.event_days import EVENTS, JUDGED, EventDays
from functions.attribute_outcomes.inputs import Inputs
from functions.attribute_outcomes.join import OUTCOMES, Known, join
from functions.attribute_outcomes.outcome_sums import DaySums
from functions.attribute_outcomes.response_items import Items
from functions.attribute_outcomes.responses import ANSWERS, distinct, genuine

PART_ROWS = 200_000
"""Maximum number of rows of a partition, which is processed in memory. A partition with many rows of one recommendation
ID or event ID may have more.
"""

_ANSWER = "recommendation_id"
_ANSWER_BYTES = 60  # Assumed size of a row in S3, of which the recommendation ID takes about 30 bytes.


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """Results of a day.

    `outcomes` is None if the recommendation log has no object of the day. `late` is true if an event arrived late; see
    `AttributionRules.is_late`.
    """

    outcomes: Path | None
    engagement: list[Engagement]
    events: int
    rejected: Mapping[str, int]
    late: bool


class Computation:
    """Computation of successive days. Each day replaces the files of the previous day."""

    def __init__(
        self,
        inputs: Inputs,
        *,
        items: Items,
        shopper: Callable[[str], str],
        directory: Path,
        days: Iterable[int],
        part_rows: int = PART_ROWS,
    ) -> None:
        self._inputs, self._items, self._shopper = inputs, items, shopper
        self._directory, self._part_rows = directory, part_rows
        self._event_days = EventDays(inputs, items=items, directory=directory, answer_days=days)

    def day(self, day: int) -> Results:
        self._event_days.keep_only({*self._inputs.event_days(day), *self._inputs.copy_days(day, late=True)})
        directory = self._directory / "day"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        named = self._event_days.events(day)
        objects = self._inputs.served.get(day, [])
        size = sum(stored.size_bytes for stored in objects)
        parts = parts_for(size / _ANSWER_BYTES + sum(part.rows for part in named), self._part_rows)
        rejected: Counter[Reason] = Counter()
        events, late = self._events(day, named, rejected, directory=directory, parts=parts)
        with Spill(directory, "answers", ANSWERS, key=_ANSWER, parts=parts) as answers:
            for rows in self._inputs.read(objects, ANSWERS):
                answers.add(rows)
        known = Known(self._items, self._event_days.popularity(day), self._inputs.rules, self._shopper)
        path, summary, counting = directory / "outcomes.parquet", DaySums(self._items), 0
        with pq.ParquetWriter(path, OUTCOMES, compression=partitions.COMPRESSION) as file:
            for answer_part, event_part in parts_of(answers, events, max_rows=self._part_rows):
                unique = distinct(answer_part.table())
                kept = genuine(unique, day).sort_by("recommendation_id")
                rejected[Reason.FORGED_ANSWER] += len(unique) - len(kept)
                joined = join(kept, _naming(kept["recommendation_id"], event_part, rejected), known)
                file.write_table(joined.outcomes)
                summary.add(joined)
                counting += joined.events
                rejected.update(joined.rejected)
                del unique, kept, joined
                pa.default_memory_pool().release_unused()
        counts = {str(reason): number for reason, number in sorted(rejected.items()) if number}
        return Results(path if objects else None, summary.rows(), counting, counts, late)

    def _events(
        self, day: int, named: list[Part], rejected: Counter[Reason], *, directory: Path, parts: int
    ) -> tuple[Spill, bool]:
        """Collect the distinct events that may count for responses of a day, in the same partitions as the responses.

        Return also true if an event arrived late. Add the number of rejected events per reason to `rejected`.
        """
        latest_ms = 0
        # Partition by event first, so that all duplicates of an event are in one partition, also if they reference
        # different responses.
        count = parts_for(sum(part.rows for part in named), self._part_rows)
        with Spill(directory, "copies", JUDGED, key="event_id", parts=count) as copies:
            for piece in (piece for part in named for piece in part.pieces()):
                copies.add(piece)
                latest_ms = max(latest_ms, pc.max(piece["received_time_ms"]).as_py() or 0)
        self._event_days.forget(day)
        late = self._inputs.rules.is_late(latest_ms, day)
        with Spill(directory, "events", EVENTS, key=_ANSWER, parts=parts) as spill:
            for (part,) in parts_of(copies, max_rows=self._part_rows):
                events = self._distinct(part)
                duplicate = pa.array(self._event_days.are_duplicates(events, day, late=late))
                rejected[Reason.SENT_AGAIN] += pc.sum(duplicate).as_py() or 0
                events = events.filter(pc.invert(duplicate))
                for reason in events["reason"].drop_null().value_counts().to_pylist():
                    rejected[Reason(reason["values"])] += reason["counts"]
                spill.add(events.filter(pc.is_null(events["reason"])).select(EVENTS.names))
                pa.default_memory_pool().release_unused()
        return spill, late

    def _distinct(self, part: Part) -> pa.Table:
        rows = JUDGED.empty_table()
        for piece in part.pieces():
            rows = pa.concat_tables([rows, piece])
            if len(rows) > self._part_rows:  # The limit is only exceeded if most rows have the same event ID.
                rows = _once(rows)
        return _once(rows)


def _naming(answers: pa.ChunkedArray, events: Part, rejected: Counter[Reason]) -> pa.Table:
    """Return the events that reference one of the responses. Other events are counted in `rejected`."""
    kept = [EVENTS.empty_table()]
    for piece in events.pieces():
        matching = piece.filter(pc.is_in(piece[_ANSWER], answers))
        rejected[Reason.UNKNOWN_ANSWER] += len(piece) - len(matching)
        kept.append(matching)
    return pa.concat_tables(kept)


def _once(events: pa.Table) -> pa.Table:
    kept = deduplicate(events.select(EVENTS.names).to_pandas(types_mapper=pd.ArrowDtype))
    return events if len(kept) == len(events) else events.take(pa.array(kept.index))
