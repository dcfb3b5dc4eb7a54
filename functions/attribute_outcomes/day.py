"""The results of one day, computed in as much memory as a part of it takes."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike import lake
from alsolike.engagement import Engagement
from functions.attribute_outcomes.answers import ANSWERS, genuine, once
from functions.attribute_outcomes.event_days import COPIES, EVENTS, JUDGED, EventDays
from functions.attribute_outcomes.inputs import Inputs
from functions.attribute_outcomes.items import Items
from functions.attribute_outcomes.joining import Known, join
from functions.attribute_outcomes.reading import rows_of
from functions.attribute_outcomes.rules import Reason, Rules
from functions.attribute_outcomes.spill import Spill, hashes_of
from functions.attribute_outcomes.summary import Summary
from functions.attribute_outcomes.tables import OUTCOMES

PART_BYTES = 16 * 2**20
"""Of answers in S3, about as many as are in memory at once; an id alone, which does not compress, takes 30 bytes."""

EVENTS_AT_ONCE = 250_000
"""So many events, about, are in memory while each is made to count once."""


@dataclasses.dataclass(frozen=True, slots=True)
class Results:
    """What came of a day.

    Attributes
    ----------
    outcomes
        The Parquet file of the outcomes; None where nothing was served.
    engagement
        The sums of the answers.
    """

    outcomes: Path | None
    engagement: list[Engagement]
    events: int
    rejected: Mapping[str, int]


class Computation:
    """Computing days, one after the other.

    Parameters
    ----------
    directory
        On the local disk; what a day leaves there goes when the next one begins.
    shopper
        The keyed hash of a stored user or session id.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        inputs: Inputs,
        *,
        items: Items,
        rules: Rules,
        shopper: Callable[[str], str],
        directory: Path,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._client, self._bucket, self._inputs = client, bucket, inputs
        self._items, self._rules, self._shopper = items, rules, shopper
        self._directory, self._part_bytes = directory, part_bytes
        self._event_days = EventDays(client, bucket, inputs, items=items, rules=rules, directory=directory)

    def day(self, day: int) -> Results:
        """Return the results of a day since 1970.

        Raises
        ------
        InvalidDataset
            If an object is no Parquet of its table's types.
        Unavailable
            If S3 does not answer.
        """
        self._event_days.keep_only({*self._inputs.event_days(day), *self._inputs.popularity_days(day)})
        directory = self._directory / "day"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        size = sum(each.size_bytes for each in self._inputs.served.get(day, []))
        bits = _bits(size / self._part_bytes)
        events = self._events(day, directory, bits)
        answers = self._answers(day, directory, bits)
        rejected: Counter[Reason] = Counter()
        known = Known(self._items, self._event_days.popularity(day), self._rules, self._shopper)
        path, summary, counting = directory / "outcomes.parquet", Summary(self._items), 0
        with pq.ParquetWriter(path, OUTCOMES, compression=lake.COMPRESSION) as file:
            for part in range(len(answers)):
                found = once(answers.part(part))
                kept = genuine(found, day).sort_by("recommendation_id")
                rejected[Reason.FORGED_ANSWER] += len(found) - len(kept)
                joined = join(kept, events.part(part), known)
                for spill in (answers, events):
                    spill.remove(part)
                file.write_table(joined.outcomes)
                summary.add(joined)
                counting += joined.events
                rejected.update(joined.rejected)
                pa.default_memory_pool().release_unused()
        has_answers = bool(self._inputs.served.get(day))
        counts = {str(reason): number for reason, number in sorted(rejected.items()) if number}
        return Results(path if has_answers else None, summary.rows(), counting, counts)

    def _answers(self, day: int, directory: Path, bits: int) -> Spill:
        """Gather a day's answers in parts, by so many bits of the hash of their ids."""
        objects = self._inputs.served.get(day, [])
        with Spill(directory, "answers", ANSWERS, bits=bits) as spill:
            for rows in rows_of(self._client, self._bucket, objects, ANSWERS):
                spill.add(rows, hashes_of(rows["recommendation_id"]))
        return spill

    def _events(self, day: int, directory: Path, bits: int) -> Spill:
        """Gather the events of a day's answers, each once, in parts as those of the answers."""
        count = sum(len(piece) for piece in self._event_days.events(day))
        # First by event, so that all copies of one meet, whatever answers they name.
        with Spill(directory, "copies", COPIES, bits=_bits(count / EVENTS_AT_ONCE)) as copies:
            for piece in self._event_days.events(day):
                copies.add(piece, hashes_of(piece["event_id"]))
        self._event_days.forget(day)
        with Spill(directory, "events", JUDGED, bits=bits) as spill:
            for part in range(len(copies)):
                events = _once(copies.part(part))
                events = events.filter(pc.invert(events["elsewhere"])).select(JUDGED.names)
                copies.remove(part)
                spill.add(events, hashes_of(events["recommendation_id"]))
                pa.default_memory_pool().release_unused()
        return spill


def _bits(parts: float) -> int:
    """Return the bits that number so many parts."""
    return max(0, math.ceil(math.log2(max(1.0, parts))))


def _once(events: pa.Table) -> pa.Table:
    kept = lake.deduplicate(events.select(EVENTS.names).to_pandas(types_mapper=pd.ArrowDtype))
    return events if len(kept) == len(events) else events.take(pa.array(kept.index))
