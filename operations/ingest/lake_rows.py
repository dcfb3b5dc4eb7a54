"""Checked interactions in a compact form, as codes and numbers until they are written."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_COLUMNS, SCHEMA_VERSION
from operations.ingest.event_ids import Hashes, hexadecimal
from operations.ingest.text_columns import Places, Texts

SCHEMA = arrow_schema(pa, INTERACTIONS_COLUMNS)


@dataclasses.dataclass(frozen=True, slots=True)
class LakeRows:
    """Rows of the interactions table.

    Impressions have the form `a|b`. `stated_ids` are the event IDs in the file, null if missing, and `ids` those
    computed from the content. `user_hashes` are the hashes of the distinct values of user_id, and of null.
    """

    texts: Mapping[str, Texts]
    stated_ids: Texts
    ids: Hashes
    event_time_ms: npt.NDArray[np.int64]
    event_value: npt.NDArray[np.float64]
    user_hashes: Hashes
    received_time_ms: int

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, places: Places) -> LakeRows:
        return dataclasses.replace(
            self,
            texts={name: texts.take(places) for name, texts in self.texts.items()},
            stated_ids=self.stated_ids.take(places),
            ids=self.ids[places],
            event_time_ms=self.event_time_ms[places],
            event_value=self.event_value[places],
        )

    def dates(self) -> set[str]:
        return {partitions.event_date(int(day) * DAY_MS) for day in np.unique(self.event_time_ms // DAY_MS)}

    def by_date(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield the rows of each partition as a table, oldest partition first.

        Rows of a day keep the order of the file.
        """
        if not len(self):
            return
        rows, days = self, self.event_time_ms // DAY_MS
        if (days[1:] < days[:-1]).any():
            days = days - days.min()  # numpy sorts 16-bit numbers by radix sort. They cover 179 years of days.
            order = np.argsort(days.astype(np.uint16) if days.max() < 1 << 16 else days, kind="stable")
            rows, days = self.take(order), days[order]
        table = rows.table()
        starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1)).tolist()
        for start, end in itertools.pairwise([*starts, len(days)]):
            yield partitions.event_date(int(rows.event_time_ms[start])), table.slice(start, end - start)

    def event_ids(self) -> pa.Array:
        computed = hexadecimal(self.ids)
        return computed if self.stated_ids.is_absent else pc.coalesce(self.stated_ids.column(), computed)

    def table(self) -> pa.Table:
        count = len(self)
        no_value = np.isnan(self.event_value)
        columns = {
            "event_id": self.event_ids(),
            "event_value": pa.nulls(count, pa.float64())
            if no_value.all()
            else pa.array(self.event_value, mask=no_value if no_value.any() else None),
            "event_time_ms": pa.array(self.event_time_ms),
            "impression": _lists(self.texts["impression"]),
            "received_time_ms": pa.array(np.full(count, self.received_time_ms)),
            "schema_version": pa.array(np.full(count, SCHEMA_VERSION, np.int32)),
        }
        columns = {name: texts.column() for name, texts in self.texts.items()} | columns
        return pa.table([columns.get(field.name, pa.nulls(count, field.type)) for field in SCHEMA], SCHEMA.names)


def _lists(column: Texts) -> pa.Array:
    """Return `a|b` as lists. A missing value becomes an empty list."""
    count = len(column)
    if column.is_absent:
        return pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string()))
    empty = pa.array([[]], pa.list_(pa.string()))
    lists = pa.concat_arrays([pc.split_pattern(column.values, "|"), empty])
    return lists.take(pa.array(np.where(column.codes < 0, len(column.values), column.codes)))
