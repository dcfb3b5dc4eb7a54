"""Rows of an interactions file become rows of the lake, or are refused with a reason; all of it column by column."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike import configuration, interactions, lake
from alsolike.catalog import column_name
from alsolike.errors import InvalidInput
from cli.importing.event_ids import event_ids
from cli.importing.files import DataFile, as_text, value_type
from cli.importing.ids import CONTROL_CHARACTERS, SPACE, id_faults

REQUIRED = ("USER_ID", "ITEM_ID", "TIMESTAMP")
OPTIONAL = ("EVENT_TYPE", "EVENT_VALUE", "EVENT_ID", "SESSION_ID", "RECOMMENDATION_ID", "IMPRESSION")
"""Any other column becomes a property of the event."""

NUMBER = r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

_ITEM_ID = f"[^|{CONTROL_CHARACTERS}]{{1,{interactions.MAX_ID_CHARACTERS}}}"
_IMPRESSION = rf"{_ITEM_ID}(\|{_ITEM_ID})*"
_BLANK_ITEM_ID = rf"(^|\|){SPACE}*(\||$)"

_MAX_CHARACTERS = {
    "USER_ID": interactions.MAX_ID_CHARACTERS,
    "ITEM_ID": interactions.MAX_ID_CHARACTERS,
    "EVENT_ID": interactions.MAX_ID_CHARACTERS,
    "SESSION_ID": interactions.MAX_ID_CHARACTERS,
    "RECOMMENDATION_ID": interactions.MAX_RECOMMENDATION_ID_CHARACTERS,
}
_ARROW_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "array<string>": pa.list_(pa.string()),
}
LAKE_SCHEMA = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in lake.COLUMNS.items()])
_MILLISECONDS_FROM = 1e11
"""As seconds this is the year 5138: whoever writes it means milliseconds."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """A chunk after its check.

    Attributes
    ----------
    good
        Rows of the lake's table, in the order of the file.
    bad
        Places in the chunk, ascending.
    reasons
        Why, one for each of `bad`.
    """

    good: pa.Table
    bad: npt.NDArray[np.int64]
    reasons: tuple[str, ...]


class _Verdicts:
    """The first reason against each row."""

    def __init__(self, rows: int) -> None:
        self._reasons = ["good"]
        self._codes = np.zeros(rows, np.int16)

    def refuse(self, rows: Any, reason: str) -> None:
        """Refuse the rows where `rows` (numpy or Arrow booleans, null is false) is true."""
        if isinstance(rows, pa.ChunkedArray):
            rows = rows.fill_null(False).to_numpy()
        self._codes[rows & (self._codes == 0)] = len(self._reasons)
        self._reasons.append(reason)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        good: npt.NDArray[np.bool_] = self._codes == 0
        return good

    def bad(self) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        places = np.flatnonzero(self._codes)
        return places, tuple(self._reasons[code] for code in self._codes[places])


def check_columns(file: DataFile) -> None:
    """Check that a file has the columns of an interactions file, in types that can be read.

    Raises
    ------
    InvalidInput
        Naming what is missing or of another type.
    """
    if missing := [name for name in REQUIRED if name not in file.schema.names]:
        raise InvalidInput(f"{file.path} misses {', '.join(missing)}; its columns are {', '.join(file.schema.names)}")
    for field in file.schema:
        kind = value_type(field.type)
        text = pa.types.is_string(kind) or pa.types.is_null(kind)
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if field.name == "TIMESTAMP":
            expected, fits = "a number, text or timestamp", text or number or pa.types.is_timestamp(kind)
        elif field.name == "EVENT_VALUE":
            expected, fits = "a number or text", text or number
        elif field.name == "IMPRESSION":
            expected, fits = "text or a list", text or pa.types.is_list(kind) or pa.types.is_large_list(kind)
        elif field.name in (*REQUIRED, *OPTIONAL):
            expected, fits = "text or an integer", text or pa.types.is_integer(kind)
        else:
            expected, fits = "a plain value", not pa.types.is_nested(kind)
        if not fits:
            raise InvalidInput(f"{file.path}: {field.name} has type {field.type}, expected {expected}")


def check(rows: pa.Table, *, default_event_type: str, now_ms: int) -> Checked:
    """Check a chunk and turn its good rows into rows of the lake.

    Parameters
    ----------
    default_event_type
        Canonical type of a row that states none.
    now_ms
        When the rows are taken in, and what "future" is measured against.
    """
    verdicts = _Verdicts(len(rows))
    texts = {name: _text(rows, name) for name in _MAX_CHARACTERS}
    for name in ("USER_ID", "ITEM_ID"):
        verdicts.refuse(pc.equal(texts[name].fill_null(""), ""), f"{name} is missing")
    for name, maximum in _MAX_CHARACTERS.items():
        for wrong, reason in id_faults(texts[name], name, maximum=maximum):
            verdicts.refuse(wrong, reason)
    time_ms = _event_time_ms(rows["TIMESTAMP"], verdicts, now_ms=now_ms)
    event_type = _event_type(_text(rows, "EVENT_TYPE"), verdicts, default=default_event_type)
    value = np.full(len(rows), np.nan)
    if "EVENT_VALUE" in rows.column_names:
        value, unreadable = _numbers(rows["EVENT_VALUE"])
        verdicts.refuse(unreadable, "EVENT_VALUE is no number")
    properties = _properties(rows)
    maximum = interactions.MAX_PROPERTIES_CHARACTERS
    verdicts.refuse(pc.greater(pc.utf8_length(properties), maximum), f"own columns have more than {maximum} characters")

    impression = _text(rows, "IMPRESSION")
    well_formed = pc.match_substring_regex(impression, f"^{_IMPRESSION}$").fill_null(True)
    blank = pc.match_substring_regex(impression, _BLANK_ITEM_ID).fill_null(False)
    verdicts.refuse(pc.or_(blank, pc.invert(well_formed)), "IMPRESSION is no list of item ids like a|b")
    columns = {
        "event_id": texts["EVENT_ID"],
        "user_id": texts["USER_ID"],
        "session_id": texts["SESSION_ID"],
        "item_id": texts["ITEM_ID"],
        "event_type": event_type,
        "event_value": pa.chunked_array([pa.array(value, from_pandas=True)]),
        "event_time_ms": pa.chunked_array([pa.array(time_ms)]),
        "recommendation_id": texts["RECOMMENDATION_ID"],
        "impression": impression,
        "properties": properties,
    }
    table = pa.table(columns)
    if not verdicts.good.all():
        table = table.filter(pa.array(verdicts.good))
    return Checked(_finished(table, now_ms=now_ms), *verdicts.bad())


def _finished(table: pa.Table, *, now_ms: int) -> pa.Table:
    """Fill in the ids and what is the same in every row."""
    text_columns = [
        "user_id", "session_id", "item_id", "event_type", "recommendation_id", "impression", "properties",
    ]  # fmt: skip
    ids = event_ids(
        [table[name] for name in text_columns],
        [
            table["event_time_ms"].to_numpy(),
            table["event_value"].fill_null(float("nan")).to_numpy(),
        ],
    )
    stated = table["event_id"]
    split = pc.split_pattern(table["impression"].fill_null(""), "|")
    empty = pa.chunked_array([pa.nulls(len(table), pa.list_(pa.string())).fill_null([])])
    filled = {
        "event_id": pc.coalesce(stated, ids),
        "impression": pc.if_else(pc.equal(table["impression"].fill_null(""), ""), empty, split),
        "received_time_ms": pa.chunked_array([pa.array(np.full(len(table), now_ms))]),
        "schema_version": pa.chunked_array([pa.array(np.full(len(table), interactions.SCHEMA_VERSION, np.int32))]),
        "query": pa.chunked_array([pa.nulls(len(table), pa.string())]),
    }
    return pa.table({name: filled[name] if name in filled else table[name] for name in LAKE_SCHEMA.names}, LAKE_SCHEMA)


def _text(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column as strings; an absent one is all null, and an empty cell is null."""
    if name not in rows.column_names:
        return pa.chunked_array([pa.nulls(len(rows), pa.string())])
    column = as_text(rows[name])
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _event_time_ms(column: pa.ChunkedArray, verdicts: _Verdicts, *, now_ms: int) -> npt.NDArray[np.int64]:
    if pa.types.is_timestamp(column.type):
        column = pc.divide(column.cast(pa.timestamp("ms")).cast(pa.int64()).cast(pa.float64()), 1000.0)
    seconds, unreadable = _numbers(column)
    verdicts.refuse(unreadable, "TIMESTAMP is no number of seconds")
    verdicts.refuse(np.isnan(seconds), "TIMESTAMP is missing")
    with np.errstate(invalid="ignore", over="ignore"):
        verdicts.refuse(seconds >= _MILLISECONDS_FROM, "TIMESTAMP seems to be in milliseconds, expected seconds")
        time_ms = np.where(np.abs(seconds) < _MILLISECONDS_FROM, np.rint(seconds * 1000), 0).astype(np.int64)
    verdicts.refuse(time_ms <= 0, "TIMESTAMP is not after 1970")
    verdicts.refuse(time_ms > now_ms + interactions.MAX_CLOCK_SKEW_MS, "TIMESTAMP is in the future")
    return time_ms


def _numbers(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return a column as numbers, NaN where there is none, and which cells hold something else."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy()
    else:
        text = column.cast(pa.string())
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        fits = pc.match_substring_regex(text, f"^{NUMBER}$").fill_null(True)
        values = pc.if_else(fits, text, None).cast(pa.float64()).fill_null(float("nan")).to_numpy()
        return values, ~fits.to_numpy() | np.isinf(values)
    return values, np.isinf(values)


def _event_type(column: pa.ChunkedArray, verdicts: _Verdicts, *, default: str) -> pa.ChunkedArray:
    """Return the canonical types; each distinct spelling is looked up once."""
    encoded = column.fill_null(default).combine_chunks().dictionary_encode()
    canonical: list[str | None] = []
    for name in encoded.dictionary.to_pylist():
        try:
            canonical.append(configuration.canonical_event_type(name))
        except InvalidInput:
            canonical.append(None)
    types = pa.chunked_array([pa.array(canonical, pa.string()).take(encoded.indices)])
    expected = ", ".join(configuration.EVENT_WEIGHTS)
    verdicts.refuse(types.is_null(), f"EVENT_TYPE is unknown, expected one of {expected}")
    return types


def _properties(rows: pa.Table) -> pa.ChunkedArray:
    """Return the columns of the shop's own as a JSON object in a string; each distinct cell is written once."""
    own = [name for name in rows.column_names if name not in (*REQUIRED, *OPTIONAL)]
    members = []
    for name in own:
        encoded = _plain(rows[name]).combine_chunks().dictionary_encode(null_encoding="encode")
        key = orjson.dumps(column_name(name)).decode()
        written = [
            "" if cell is None else f",{key}:{orjson.dumps(cell).decode()}" for cell in encoded.dictionary.to_pylist()
        ]
        members.append(pa.array(written, pa.string()).take(encoded.indices))
    if not members:
        return pa.chunked_array([pa.array(["{}"]).take(pa.array(np.zeros(len(rows), np.int8)))])
    joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*members, ""), 1)  # without the first comma
    return pa.chunked_array([pc.binary_join_element_wise("{", joined, "}", "")])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers and booleans as they are, everything else as text."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    return column.cast(pa.string())


def event_dates(table: pa.Table) -> Sequence[tuple[str, pa.Table]]:
    """Split rows of the lake by partition, oldest first; rows of one day are in the order of their time."""
    time_ms = table["event_time_ms"].to_numpy()
    order = np.argsort(time_ms, kind="stable")
    days = time_ms[order] // 86_400_000
    table = table.take(pa.array(order)) if (order != np.arange(len(order))).any() else table
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    ends = [*starts[1:], len(days)]
    return [
        (lake.event_date(int(days[start]) * 86_400_000), table.slice(start, end - start))
        for start, end in zip(starts, ends, strict=True)
    ]
