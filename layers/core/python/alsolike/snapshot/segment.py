"""Segment of a catalogue snapshot: rows of items, sorted by the hash of the ID and stored as columns.

If two IDs have the same 64-bit hash, only the newer item is kept. Among a million IDs, the probability of a collision
is about 3e-8.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import orjson

from alsolike.arrays.ragged import Ragged, Rows, find, hashes_of
from alsolike.arrays.tensors import Array, map_tensors, write_tensors
from alsolike.catalogue.changes import DELETED, Change
from alsolike.configuration.configuration import ColumnType
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.runtime.struct import struct
from alsolike.snapshot.columns import COLUMN_CLASSES, Column, pop_valid

FORMAT = "alsolike-catalogue-1"

Columns = Mapping[str, ColumnType]


@struct
class Segment:
    """Rows of items, one row per ID, including deletions.

    Attributes
    ----------
    hashes
        Hash of each row's ID, ascending, uint64.
    ids
        IDs in UTF-8.
    updated_at_ms, tie_breaks
        Precedence of each row, as in `Change.precedence`, int64 and uint32.
    rest
        JSON object with each row's other properties, and with values that do not fit their column. Empty if there are
        none.
    """

    hashes: Array
    ids: Ragged
    updated_at_ms: Array
    tie_breaks: Array
    columns: Mapping[str, Column]
    rest: Ragged

    @classmethod
    def of(cls, changes: Sequence[Change], columns: Columns) -> Self:
        """Return the encoded changes. For each item, only the change with the highest precedence is kept."""
        hashes = hashes_of([change.entity_id.encode() for change in changes])
        newest: dict[int, Change] = {}
        for key, change in zip(hashes.tolist(), changes, strict=True):
            if key not in newest or change.precedence > newest[key].precedence:
                newest[key] = change
        keys = sorted(newest)
        rows = [newest[key] for key in keys]
        properties = [dict(change.properties or {}) for change in rows]
        encoded = _popped(properties, columns)
        return cls(
            hashes=np.array(keys, np.uint64),
            ids=Ragged.from_bytes([change.entity_id.encode() for change in rows]),
            updated_at_ms=np.array([change.updated_at_ms for change in rows], np.int64),
            tie_breaks=np.array([change.tie_break for change in rows], np.uint32),
            columns=encoded,
            rest=Ragged.from_bytes(
                [
                    orjson.dumps(item_properties, default=dict) if item_properties else b""
                    for item_properties in properties
                ]
            ),
        )

    @classmethod
    def merge(cls, segments: Sequence[Segment], *, forget_before_ms: int | None = None) -> Segment:
        """Return one segment with the highest-precedence row of each item.

        Parameters
        ----------
        segments
            Segments with equal columns.
        forget_before_ms
            Time in epoch milliseconds before which deletions are dropped. Use it only if no other segment has rows of
            the deleted items.
        """
        columns: dict[str, Column] = {}
        for name, first in segments[0].columns.items():
            parts: list[Any] = [segment.columns[name] for segment in segments]
            columns[name] = type(first).concatenate(parts)
        together = cls(
            hashes=np.concatenate([segment.hashes for segment in segments]),
            ids=Ragged.concatenate([segment.ids for segment in segments]),
            updated_at_ms=np.concatenate([segment.updated_at_ms for segment in segments]),
            tie_breaks=np.concatenate([segment.tie_breaks for segment in segments]),
            columns=columns,
            rest=Ragged.concatenate([segment.rest for segment in segments]),
        )
        rows = newest_rows(together.hashes, together.updated_at_ms, together.tie_breaks)
        if forget_before_ms is not None:
            rows = rows[~(together.deleted[rows] & (together.updated_at_ms[rows] < forget_before_ms))]
        return together._take(rows)

    def without(self, others: Sequence[Segment]) -> Segment:
        """Return the segment without rows that have the item and the precedence of a row in `others`."""
        kept = np.ones(len(self), bool)
        for other in others:
            places = find(other.hashes, self.hashes)
            own = np.flatnonzero(places >= 0)
            same = places[own]
            kept[own] &= (self.updated_at_ms[own] != other.updated_at_ms[same]) | (
                self.tie_breaks[own] != other.tie_breaks[same]
            )
        return self._take(np.flatnonzero(kept))

    def with_columns(self, columns: Columns) -> Segment:
        properties = list(map(self.properties, range(len(self))))
        return dataclasses.replace(self, columns={**self.columns, **_popped(properties, columns)})

    def _take(self, rows: Rows) -> Segment:
        return Segment(
            hashes=self.hashes[rows],
            ids=self.ids.take(rows),
            updated_at_ms=self.updated_at_ms[rows],
            tie_breaks=self.tie_breaks[rows],
            columns={name: column.take(rows) for name, column in self.columns.items()},
            rest=self.rest.take(rows),
        )

    @property
    def column_types(self) -> dict[str, ColumnType]:
        return {name: column.type for name, column in self.columns.items()}

    @property
    def deleted(self) -> Array:
        deleted: Array = self.tie_breaks >= DELETED
        return deleted

    def __len__(self) -> int:
        return len(self.hashes)

    def properties(self, row: int) -> dict[str, Any]:
        values = {name: value for name, column in self.columns.items() if (value := column.value(row)) is not None}
        if rest := self.rest.blob(row):
            values.update(orjson.loads(rest))
        return values

    def change(self, row: int) -> Change:
        properties = None if self.tie_breaks[row] >= DELETED else self.properties(row)
        return Change(self.ids.blob(row).decode(), int(self.updated_at_ms[row]), properties)

    def changes(self) -> Iterator[Change]:
        return (self.change(row) for row in range(len(self)))

    def write(self, file: BinaryIO) -> None:
        arrays = {
            "hashes": self.hashes,
            "updated_at_ms": self.updated_at_ms,
            "tie_breaks": self.tie_breaks,
            "ids.offsets": self.ids.offsets,
            "ids.blob": self.ids.data,
            "rest.offsets": self.rest.offsets,
            "rest.blob": self.rest.data,
        }
        for place, (_, column) in enumerate(sorted(self.columns.items())):
            arrays |= {f"{place}.{part}": array for part, array in column.arrays().items()}
        names = orjson.dumps(sorted(self.column_types.items())).decode()
        write_tensors(file, arrays, metadata={"format": FORMAT, "columns": names})

    @classmethod
    def map(cls, path: Path) -> Self:
        arrays, metadata = map_tensors(path, FORMAT)
        try:
            segment = cls(
                hashes=arrays["hashes"],
                ids=Ragged(arrays["ids.offsets"], arrays["ids.blob"]),
                updated_at_ms=arrays["updated_at_ms"],
                tie_breaks=arrays["tie_breaks"],
                columns=_columns(arrays, orjson.loads(metadata["columns"])),
                rest=Ragged(arrays["rest.offsets"], arrays["rest.blob"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidSnapshot(f"{path.name} has no or an invalid {error}") from error
        if len({len(segment), len(segment.ids), len(segment.updated_at_ms), len(segment.rest)}) != 1:
            raise InvalidSnapshot(f"{path.name} has arrays of different lengths")
        return segment


def newest_rows(hashes: Array, updated_at_ms: Array, tie_breaks: Array) -> Rows:
    """Return the index of the highest-precedence row of each hash, in the order of the hashes."""
    order: Rows = np.lexsort((tie_breaks, updated_at_ms, hashes))
    ordered = hashes[order]
    last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(order)), bool))
    newest: Rows = order[last]
    return newest


def _columns(arrays: Mapping[str, Array], names: Sequence[tuple[str, str]]) -> dict[str, Column]:
    columns = {}
    for place, (name, type_name) in enumerate(names):
        prefix, type_ = f"{place}.", ColumnType(type_name)
        parts = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
        columns[name] = COLUMN_CLASSES[type_].from_arrays(type_, parts)
    return columns


def _popped(properties: Sequence[dict[str, Any]], columns: Columns) -> dict[str, Column]:
    """Remove the values of `columns` from the properties, and return them as columns.

    A value that the type of its column does not represent remains in the properties.
    """
    return {
        name: COLUMN_CLASSES[type_].of(
            type_, [pop_valid(item_properties, name, type_) for item_properties in properties]
        )
        for name, type_ in columns.items()
    }
