"""Validation of rows in item, user and action files, and conversion to stored objects."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.rows import R, RowKind
from alsolike.configuration.columns import CREATED, column_name
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.privacy.pseudonyms import IdPolicy
from alsolike.runtime.errors import InvalidInput
from operations.client.erased_users import Erased
from operations.ingest.files import Chunk, DataFile, as_text, value_type
from operations.ingest.ids import id_faults
from operations.ingest.timestamps import MISSING, NUMBER, times_ms

_THREADS = 3
_PART = 250
JSON_NUMBER = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?"
"""Pattern of numbers without leading zeros, with at most 15 digits before and 9 after the point. Codes such as 007
do not match.
"""

_LEADING_ZERO = "has a leading zero, expected a number. Declare the column as string to import codes"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclasses.dataclass(frozen=True, slots=True)
class UserRules:
    """Policy for stored user IDs, and the function that detects erased users."""

    ids: IdPolicy
    erased: Erased


@dataclasses.dataclass(frozen=True, slots=True)
class MetadataFile(Generic[R]):
    """File of items, users or actions whose columns were checked.

    `types` are those of declared and inferred columns, and of CREATION_TIMESTAMP of items, by upper-case name.
    `user_rules` is None if the rows are not users.
    """

    file: DataFile
    kind: RowKind[R]
    types: Mapping[str, ColumnType]
    user_rules: UserRules | None = None

    @property
    def id_column(self) -> str:
        return self.kind.key.upper()

    def check(self, chunk: Chunk) -> tuple[list[R], npt.NDArray[np.int64], tuple[str, ...]]:
        """Return the valid rows in file order, the positions of rejected rows, and the reason for each rejected row."""
        ids = as_text(chunk.rows[self.id_column])
        bad = dict[int, str]()
        for wrong, reason in id_faults(ids, self.id_column, maximum=MAX_ID_CHARACTERS):
            bad = dict.fromkeys(np.flatnonzero(wrong.fill_null(False).to_numpy()).tolist(), reason) | bad
        names, columns = [], []
        for name in chunk.rows.column_names:
            if name != self.id_column:
                cells, faults = _cells(chunk.rows[name], self.types.get(name))
                bad = {place: f"{name} {fault}" for place, fault in faults.items()} | bad
                names.append(column_name(name))
                columns.append(cells)
        stored, erased = self._stored(ids.to_pylist())
        bad = dict.fromkeys(erased, f"{self.id_column} is an erased user's") | bad
        good = []
        for place, row_id in enumerate(stored):
            values = {
                name: cells[place] for name, cells in zip(names, columns, strict=True) if cells[place] is not None
            }
            if not row_id:
                bad[place] = f"{self.id_column} is missing"
            elif place not in bad and _length(values) > self.kind.max_properties_characters:
                bad[place] = f"metadata has more than {self.kind.max_properties_characters} characters"
            if row_id and place not in bad:
                row = self.kind.make(row_id, values)
                try:
                    if self.kind.check is not None:
                        self.kind.check(row, "")
                    good.append(row)
                except InvalidInput as error:
                    bad[place] = str(error)
        places = sorted(bad)
        return good, np.array(places, np.int64), tuple(bad[place] for place in places)

    def _stored(self, ids: list[str | None]) -> tuple[list[str | None], list[int]]:
        """Return the stored ID of each row, and the positions of erased users."""
        if self.user_rules is None:
            return ids, []
        stored = [self.user_rules.ids.user(user_id) if user_id else None for user_id in ids]
        is_erased = self.user_rules.erased(pa.array(stored, pa.string()))
        return stored, [] if is_erased is None else np.flatnonzero(is_erased).tolist()


def open_metadata(
    file: DataFile, kind: RowKind[R], *, columns: Mapping[str, ColumnType], user_rules: UserRules | None = None
) -> MetadataFile[R]:
    """Check the columns of an item, user or action file without reading its rows."""
    names = file.schema.names
    id_column = kind.key.upper()
    if id_column not in names:
        raise InvalidInput(
            f"{file.name} misses {id_column}; its columns are {', '.join(file.header)} "
            "(--map THEIRS=OURS gives one another name)"
        )
    if len(names) - 1 > kind.max_columns:
        raise InvalidInput(f"{file.name} has {len(names) - 1} metadata columns, expected at most {kind.max_columns}")
    for field in file.schema:
        if pa.types.is_struct(field.type) or pa.types.is_map(field.type):
            raise InvalidInput(f"{file.name}: {field.name} has type {field.type}, expected a plain value or a list")
    known = {name: columns[column_name(name)] for name in names if column_name(name) in columns}
    if kind.name == "item":
        known = {name: ColumnType.TIMESTAMP for name in names if column_name(name) == CREATED} | known
    return MetadataFile(file, kind, known, user_rules)


def put_rows(rows: Sequence[R], kind: RowKind[R], store: RowStore[R], *, clock_ms: Callable[[], int]) -> Iterator[int]:
    """Write the rows. Yield the number of rows in each written part, and finally the number of repeated rows.

    Repeated IDs are written once, with the last row. The clock is read per part, because the latest of concurrent
    writes wins.
    """

    def write(part: Sequence[R]) -> int:
        return store.put_batches(part, now_ms=clock_ms())

    distinct = list({kind.id_of(row): row for row in rows}.values())
    parts = [distinct[start : start + _PART] for start in range(0, len(distinct), _PART)]
    with ThreadPoolExecutor(_THREADS, "rows") as pool:
        # A window limits the number of started writes, because Ctrl-C waits for them.
        for window in range(0, len(parts), 2 * _THREADS):
            yield from pool.map(write, parts[window : window + 2 * _THREADS])
    yield len(rows) - len(distinct)


def _cells(column: pa.ChunkedArray, kind: ColumnType | None) -> tuple[list[Any], dict[int, str]]:
    """Return a column as JSON values, and the reasons for invalid cells by position.

    Lists become `a|b`, as in a CSV.
    """
    inferred = value_type(column.type)
    if kind is ColumnType.TIMESTAMP:
        return _times(column)
    number = pa.types.is_integer(inferred) or pa.types.is_floating(inferred)
    if kind is None and (number or pa.types.is_boolean(inferred)):
        return _finite(column).to_pylist(), {}
    if kind is ColumnType.NUMBER and number:
        return _finite(column).to_pylist(), {}
    if kind is ColumnType.BOOLEAN and pa.types.is_boolean(inferred):
        return column.to_pylist(), {}
    texts = as_text(column).to_pylist()
    if kind is ColumnType.NUMBER:
        cells, faults = _parsed(texts, _number, "is not a number")
        coded = {place: _LEADING_ZERO for place, text in enumerate(texts) if text and re.match("-?0[0-9]", text)}
        return cells, faults | coded
    if kind is ColumnType.BOOLEAN:
        return _parsed(texts, lambda text: _BOOLEANS.get(text.lower()), "is neither true nor false")
    return [text or None for text in texts], {}


def _finite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _parsed(texts: Sequence[str | None], parse: Any, fault: str) -> tuple[list[Any], dict[int, str]]:
    values = [None if not text else parse(text) for text in texts]
    faults = {place: fault for place, text in enumerate(texts) if text and values[place] is None}
    return values, faults


def _number(text: str) -> int | float | None:
    if not re.fullmatch(NUMBER, text):
        return None
    value = float(text)
    return (
        None if value in (float("inf"), float("-inf")) else int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else value
    )


def _times(column: pa.ChunkedArray) -> tuple[list[Any], dict[int, str]]:
    """Return a column of times as seconds since 1970, and the reasons for invalid cells by position."""
    if pa.types.is_dictionary(column.type) or pa.types.is_null(column.type):
        column = column.cast(pa.string())
    ms, wrong = times_ms(column)
    faults = dict[int, str]()
    for reason, mask in wrong.items():
        if reason != MISSING:
            faults = dict.fromkeys(np.flatnonzero(mask).tolist(), reason) | faults
    faults = dict.fromkeys(np.flatnonzero(ms < 0).tolist(), "is before 1970") | faults
    missing = wrong.get(MISSING, np.zeros(len(ms), bool))
    seconds = [
        None if is_missing else t // 1000 if t % 1000 == 0 else t / 1000
        for t, is_missing in zip(ms.tolist(), missing, strict=True)
    ]
    return seconds, faults


def is_time(column: pa.ChunkedArray) -> bool:
    """Return true if an import accepts every cell as a timestamp."""
    return not _times(column)[1]


def _length(values: Mapping[str, Any]) -> int:
    return len(orjson.dumps(values).decode())
