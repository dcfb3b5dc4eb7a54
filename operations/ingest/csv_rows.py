"""Parser of CSV blocks to rows of text. Lines with a wrong number of cells are rejected."""

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
from operations.ingest.csv_format import CsvForm, with_texts
from operations.ingest.csv_header import UNREADABLE, UntilBroken, open_bytes

_BLOCK_BYTES = 8 << 20
_BLOCKS_AHEAD = 2
TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a file with their line or row numbers.

    `size_bytes` is the uncompressed size, estimated for Parquet. `next_line` is the number of the line after the rows
    of a CSV.
    """

    table: pa.Table
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()
    size_bytes: int = 0
    next_line: int = 1


def read(file: BinaryIO, name: str, schema: pa.Schema, encoded: Collection[str], form: CsvForm) -> Iterator[Rows]:
    """Yield the rows of a CSV, one block at a time.

    If the file is damaged, raise an error of `UNREADABLE` after all readable rows.
    """
    schema = pa.schema([(field.name, TEXT if field.name in encoded else pa.string()) for field in schema])
    # pyarrow releases the GIL, so the next blocks are parsed while the caller checks the yielded rows.
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
    """Return the block with a blank line in place of the header."""
    header = block.data.splitlines()[0]
    return dataclasses.replace(block, data=block.data[len(header) :])


def _parsed(block: Block, schema: pa.Schema, form: CsvForm) -> Rows:
    if not block.data:  # The file is a header without a line break.
        return Rows(schema.empty_table(), np.zeros(0, np.int64), block.malformed, 0, block.first_line + 1)
    malformed = list(block.malformed)

    def set_aside(row: Any) -> str:
        reason = f"has {row.actual_columns} columns, expected {row.expected_columns}"
        malformed.append(Malformed(block.first_line + row.number - 1, reason, row.text.replace(BREAK, "\n")))
        skipped.append(row.number - 1)
        return "skip"

    skipped: list[int] = []  # Positions of skipped lines in the block.
    rows = pa.csv.read_csv(
        pa.BufferReader(block.data),
        # With several threads, pyarrow does not number the malformed rows.
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
