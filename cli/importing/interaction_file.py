"""Reader of interactions in CSV, gzipped CSV or Parquet with Amazon Personalize's column names."""

from __future__ import annotations

import csv
import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from alsolike.configuration import DEFAULT, Configuration
from alsolike.errors import InvalidInput, UnknownEventType
from alsolike.returns import remaining
from cli.importing.csv_blocks import blocks
from cli.importing.csv_header import UNREADABLE, open_bytes, read_header
from cli.importing.timestamps import times_ms
from model_export.data.interactions import Interactions
from model_export.data.item_content import item_content
from model_export.data.training_data import encode, unlearned, unlearned_ids

_NO_ID = r"^[\x{85}\pZ]+$|[\x00-\x1f\x7f]"
_BLOCK_BYTES = 8 << 20
_CSV_NAMES = (".csv", ".csv.gz")
_ALL_WEIGH_ONE = 1.0
_UNSTATED = "view"
"""Event type of a row that states none, as in an import."""


@dataclasses.dataclass(frozen=True, slots=True)
class InteractionFile:
    """Contents of a file.

    Attributes
    ----------
    item_ids
        Ids of positions 1..N.
    properties
        Columns of these items.
    unlearned
        Columns of the catalogue's items that have no position, as in `TrainingData`.
    notes
        Remarks that a reader of the figures should know, one sentence each.
    """

    interactions: Interactions
    item_ids: Sequence[str]
    properties: Sequence[Mapping[str, Any]]
    unlearned: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...]


def read(
    path: Path,
    *,
    items: Mapping[str, Mapping[str, Any]] | None = None,
    configuration: Configuration = DEFAULT,
    learned_alone: bool = False,
) -> InteractionFile:
    """Read an interactions file; rows of equal TIMESTAMP keep the order of the file.

    Parameters
    ----------
    path
        USER_ID, ITEM_ID, TIMESTAMP (epoch seconds or milliseconds, or ISO 8601, as for an import), optionally
        EVENT_TYPE; further columns are ignored. Rows that state no type are views, rows of types that are unknown or
        weigh nothing are left out; if the file knows none of the types that weigh something, every row weighs 1.
    items
        The catalogue: the columns of each item by its id.
    learned_alone
        Give no position to items without interactions, as a training does; by default they are ranked as well.
    configuration
        Says which event types there are and what they weigh.

    Raises
    ------
    InvalidInput
        If the file is missing, unreadable or empty, misses a column, or a row lacks an id or has a bad time; the
        first such row is named.
    """
    table = _read(path, required=("USER_ID", "ITEM_ID", "TIMESTAMP"), optional=("EVENT_TYPE",))
    time_ms = table["TIMESTAMP"].to_numpy()
    weights, notes = _weights(table, configuration)
    stated = int((weights > 0).sum())
    weights = _without_returns(table, time_ms, weights)
    if taken := stated - int((weights > 0).sum()):
        notes.append(f"returns took {taken:,} rows back")
    kept = weights > 0
    if not kept.any():
        raise InvalidInput(f"{path.name} has no interaction that counts: " + ("; ".join(notes) or "all are returns"))
    table = table.filter(pa.array(kept))
    if items is not None and (strangers := len(set(table["ITEM_ID"].to_pylist()) - items.keys())):
        notes.append(f"{strangers:,} items have interactions and do not stand in the items file")
    interactions, item_ids, _ = encode(
        user_ids=table["USER_ID"],
        item_ids=table["ITEM_ID"],
        time_ms=time_ms[kept],
        weight=weights[kept],
        catalogue=None if items is None or learned_alone else pa.chunked_array([pa.array(items, pa.string())]),
    )
    if repeated := interactions.repeated():
        notes.append(f"{repeated:,} rows have the user, item and time of another row; each of them counts")
    properties = [(items or {}).get(item_id, {}) for item_id in item_ids]
    if any(properties):
        interactions = dataclasses.replace(interactions, content=item_content(properties).vectors)
    interactions = dataclasses.replace(interactions, history_length=configuration.limits.history_length)
    return InteractionFile(
        interactions=interactions,
        item_ids=item_ids,
        properties=properties,
        unlearned=unlearned(items or {}, unlearned_ids(items or {}, item_ids)),
        notes=tuple(notes),
    )


def _weights(table: pa.Table, configuration: Configuration) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return each row's weight, 0 for rows to leave out, and what to say about it."""
    if "EVENT_TYPE" not in table.column_names:
        return np.full(len(table), _ALL_WEIGH_ONE, np.float32), []
    types = pc.fill_null(table["EVENT_TYPE"], "").combine_chunks().dictionary_encode()
    names = types.dictionary.to_pylist()
    weights = [_weight(name or _UNSTATED, configuration) for name in names]
    if not any(weight for name, weight in zip(names, weights, strict=True) if name):
        return np.full(len(table), _ALL_WEIGH_ONE, np.float32), [
            f"EVENT_TYPE holds none of {', '.join(configuration.event_weights)}: every interaction weighs 1"
        ]
    weight_of = np.array([weight or 0.0 for weight in weights], np.float32)
    codes = types.indices.to_numpy()
    notes = []
    if "" in names:
        unstated = int((codes == names.index("")).sum())
        notes.append(f"{unstated:,} rows state no EVENT_TYPE and count as {_UNSTATED}")
    for left_out, reason in ((None, "of unknown EVENT_TYPE"), (0.0, "of an EVENT_TYPE that weighs nothing")):
        positions = [position for position, weight in enumerate(weights) if weight == left_out]
        if positions:
            rows = int(np.isin(codes, positions).sum())
            listed = ", ".join(sorted(names[position] or _UNSTATED for position in positions))
            notes.append(f"{rows:,} rows {reason} are left out: {listed}")
    return weight_of[codes], notes


def _without_returns(
    table: pa.Table, time_ms: np.ndarray[Any, Any], weights: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return what rows weigh when returns have taken earlier ones back; of equal times the earlier row is earlier."""
    if not (weights < 0).any():
        return weights
    users, items = (
        table[name].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        for name in ("USER_ID", "ITEM_ID")
    )
    order = np.argsort(time_ms, kind="stable")
    left = np.empty(len(weights), np.float32)
    left[order] = remaining((users * (items.max() + 1) + items)[order], weights[order])
    return left


def _weight(event_type: str, configuration: Configuration) -> float | None:
    """Return what an event type weighs, None where it is unknown."""
    try:
        return configuration.events[configuration.canonical_event_type(event_type)].weight
    except UnknownEventType:
        return None


def _read(path: Path, *, required: Sequence[str], optional: Sequence[str]) -> pa.Table:
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    try:
        found = _columns(path)
        if missing := [name for name in required if name not in found]:
            raise InvalidInput(f"{path} misses the column {', '.join(missing)}; its columns are {', '.join(found)}")
        names = [*required, *(name for name in optional if name in found)]
        table = _table(path, names)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError, *UNREADABLE) as error:
        raise InvalidInput(f"{path} cannot be read: {_broken_line(path) or error}") from error
    # Blank lines were read so that places are line numbers; they are no rows.
    filled = functools.reduce(pc.or_, (pc.not_equal(table[name].cast(pa.string()), "") for name in names))
    if not len(table) or not (rows := filled.to_numpy()).any():
        raise InvalidInput(f"{path} has no rows")
    row_numbers = np.flatnonzero(rows) + (2 if _is_csv(path) else 1)
    where = _Place(path, "line" if _is_csv(path) else "row", row_numbers)
    table = table.filter(pa.array(rows)) if len(row_numbers) < len(rows) else table
    for name in required:
        where.refuse(table[name], pc.equal(table[name].cast(pa.string()), "").to_numpy(), f"rows have no {name}")
        if name != "TIMESTAMP":  # a line break here is mostly a quote that was not closed
            no_id = pc.match_substring_regex(table[name], _NO_ID).to_numpy()
            where.refuse(table[name], no_id, f"rows have a {name} of space alone or with control characters")
    times = pa.array(_time_ms(table["TIMESTAMP"], where))
    return table.set_column(names.index("TIMESTAMP"), "TIMESTAMP", times)


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Name of a file's row in messages."""

    path: Path
    unit: str
    numbers: npt.NDArray[np.int64]

    def refuse(self, column: pa.ChunkedArray, bad: npt.NDArray[np.bool_], reason: str) -> None:
        if count := int(bad.sum()):
            first = int(bad.argmax())
            value = f" ({column[first].as_py()!r})" if column[first].as_py() != "" else ""
            raise InvalidInput(
                f"{self.path}: {count:,} {reason}; the first is {self.unit} {self.numbers[first]}{value}"
            )


def _time_ms(column: pa.ChunkedArray, where: _Place) -> npt.NDArray[np.int64]:
    """Return the times that an import reads from the same cells."""
    time_ms, wrong = times_ms(column)
    for reason, bad in wrong.items():
        where.refuse(column, bad, f"TIMESTAMPs: the value {reason}")
    where.refuse(column, time_ms < 0, "TIMESTAMPs are before 1970")
    return time_ms


def _broken_line(path: Path) -> str | None:
    """Return which line of a CSV is no row, as far as that is why it cannot be read; pyarrow names none."""
    if not _is_csv(path):
        return None
    try:
        width = len(read_header(path))
        with path.open("rb") as file:
            for block in blocks(open_bytes(file, path.name), block_bytes=_BLOCK_BYTES):
                if block.malformed:
                    return f"line {block.malformed[0].line} {block.malformed[0].reason}"
                for place, cells in enumerate(csv.reader(block.data.decode("utf-8-sig").splitlines())):
                    if cells and len(cells) != width:
                        return f"line {block.first_line + place} has {len(cells)} columns, expected {width}"
    except (InvalidInput, csv.Error, *UNREADABLE):
        pass  # then what pyarrow said is the better message
    return None


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith(_CSV_NAMES)


def _columns(path: Path) -> list[str]:
    if not path.stat().st_size:
        raise InvalidInput(f"{path} is empty")
    if not _is_csv(path):
        return list(pq.read_schema(path).names)
    return list(read_header(path))


def _table(path: Path, names: Sequence[str]) -> pa.Table:
    """Return the columns as text without nulls; times of a Parquet file are numbers of seconds or text."""
    if _is_csv(path):
        with path.open("rb") as file:
            packed = path.name.lower().endswith(".gz")
            return pyarrow.csv.read_csv(
                pa.BufferReader(open_bytes(file, path.name).read()) if packed else file,
                parse_options=pyarrow.csv.ParseOptions(ignore_empty_lines=False),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=names, column_types={name: pa.string() for name in names}
                ),
            )
    table = pq.read_table(path, columns=list(names))
    return pa.table({name: _plain(table[name], is_time=name == "TIMESTAMP") for name in names})


def _plain(column: pa.ChunkedArray, *, is_time: bool) -> pa.ChunkedArray:
    if is_time and pa.types.is_timestamp(column.type):
        column = pc.divide(column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).cast(pa.float64()), 1000.0)
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if is_time and is_number and not column.null_count:
        return column
    return column.cast(pa.string()).fill_null("")
