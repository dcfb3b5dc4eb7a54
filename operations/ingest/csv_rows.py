"""A CSV's blocks become rows of text; lines with too few or too many cells are set aside."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from operations.ingest.csv_blocks import BREAK, Block, Malformed, blocks
from operations.ingest.csv_form import CsvForm, with_texts
from operations.ingest.csv_header import UNREADABLE, UntilBroken, open_bytes

_BLOCK_BYTES = 8 << 20
_BLOCKS_AHEAD = 2
TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file, with the line or row that each one is; see `Chunk`.

    Attributes
    ----------
    size_bytes
        What they take in the file, unpacked.
    next_line
        The line after them.
    """

    table: pa.Table
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()
    size_bytes: int = 0
    next_line: int = 1


def read(file: BinaryIO, name: str, schema: pa.Schema, encoded: Collection[str], form: CsvForm) -> Iterator[Rows]:
    """Yield a CSV's rows, block by block.

    Parameters
    ----------
    name
        Of the file: whether it is packed.
    schema
        Its columns by their names here.
    encoded
        Columns to dictionary-encode.

    Raises
    ------
    OSError, EOFError, zlib.error
        After all that can be read, if the file breaks off.
    """
    schema = pa.schema([(field.name, TEXT if field.name in encoded else pa.string()) for field in schema])
    # pyarrow parses in C: the next blocks are parsed while this one's rows are checked.
    pending = deque[Future[Rows]]()
    with ThreadPoolExecutor(1, "csv") as pool:
        try:
            text = form.utf8(UntilBroken(open_bytes(file, name)))
            for block in blocks(text, block_bytes=_BLOCK_BYTES, columns=len(schema), form=form):
                body = _without_header(block) if block.first_line == 1 else block
                pending.append(pool.submit(_parsed, body, schema, form))
                if len(pending) > _BLOCKS_AHEAD:
                    yield pending.popleft().result()
        except UNREADABLE:
            yield from (parsed.result() for parsed in pending)
            raise
        yield from (parsed.result() for parsed in pending)


def _without_header(block: Block) -> Block:
    """Return the block with a blank line in place of the header, which is no row."""
    header = block.data.splitlines()[0]
    return dataclasses.replace(block, data=block.data[len(header) :])


def _parsed(block: Block, schema: pa.Schema, form: CsvForm) -> Rows:
    """Return the block's rows without its blank lines."""
    if not block.data:  # nothing but a header
        return Rows(schema.empty_table(), np.zeros(0, np.int64), block.malformed, 0, block.first_line + 1)
    malformed = list(block.malformed)

    def set_aside(row: Any) -> str:
        reason = f"has {row.actual_columns} columns, expected {row.expected_columns}"
        malformed.append(Malformed(block.first_line + row.number - 1, reason, row.text.replace(BREAK, "\n")))
        skipped.append(row.number - 1)
        return "skip"

    skipped: list[int] = []  # places among the block's lines
    rows = pa.csv.read_csv(
        pa.BufferReader(block.data),
        # With threads pyarrow does not number the malformed rows; one thread reads 500 MB/s.
        read_options=pa.csv.ReadOptions(block_size=len(block.data) + 1, use_threads=False, column_names=schema.names),
        parse_options=pa.csv.ParseOptions(
            delimiter=form.delimiter, ignore_empty_lines=False, invalid_row_handler=set_aside
        ),
        convert_options=pa.csv.ConvertOptions(column_types=schema, strings_can_be_null=True, null_values=[""]),
    )
    if block.has_breaks:
        rows = with_texts(rows, lambda texts: pc.replace_substring(texts, BREAK, "\n"))
    count = len(rows) + len(skipped)
    lines = block.first_line + np.delete(np.arange(count, dtype=np.int64), skipped)
    blank = np.ones(len(rows), bool)
    for column in rows.columns:
        if not column.null_count:
            break
        blank &= column.is_null().to_numpy()
    else:
        if blank.any():
            rows, lines = rows.filter(pa.array(~blank)), lines[~blank]
    return Rows(form.with_points(rows), lines, tuple(malformed), len(block.data), block.first_line + count)
