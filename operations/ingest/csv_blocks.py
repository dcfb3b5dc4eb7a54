"""Splitting of a CSV into blocks with one row per line. Lines with invalid encoding or an unclosed quote are
rejected.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from operations.ingest.csv_format import PLAIN, CsvForm, Readable

MAX_LINE_BYTES = 4 << 20

_SHOWN_BYTES = 1000
_QUOTED = re.compile(rb'(?:[^"]++|"")*+')

BREAK = "\ufdd0"
"""Replacement of a line break within a quoted cell, so that each row has one line. Unicode reserves this character for
internal use.
"""

MAX_ROW_LINES = 1_000
"""Maximum number of lines per row. A quote that is not closed within this number affects only its own line."""


@functools.cache
def _closed(delimiter: str) -> re.Pattern[bytes]:
    """Return the pattern of lines that do not end inside a quoted cell.

    As in pyarrow, a quote after the start of a cell is an ordinary character.
    """
    mark = re.escape(delimiter.encode())
    field = rb'(?:"(?:[^"\r\n]++|"")*+"|(?!"))[^%b\r\n]*+' % mark
    row = rb"%b(?:%b%b)*+" % (field, mark, field)
    return re.compile(rb"%b(?:[\r\n]++%b)*+[\r\n]*+" % (row, row))


@dataclasses.dataclass(frozen=True, slots=True)
class Malformed:
    line: int
    reason: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Block of lines with one row per line.

    Rejected lines, and lines joined to an earlier row, are blank in `data`, so that line numbers do not change. If
    `has_breaks` is true, a row contains `BREAK` in place of line breaks.
    """

    first_line: int
    data: bytes
    malformed: tuple[Malformed, ...]
    has_breaks: bool = False


def blocks(file: Readable, *, block_bytes: int, columns: int, form: CsvForm = PLAIN) -> Iterator[Block]:
    """Yield a file's lines in blocks of about `block_bytes`.

    A quoted cell may contain line breaks if its row has the correct number of columns and ends within `MAX_ROW_LINES`
    and `MAX_LINE_BYTES`. Therefore a missing closing quote usually affects only one row. A line longer than
    `MAX_LINE_BYTES` is rejected, unless the bytes that were read contain its end.
    """
    first_line, rest = 1, b""
    while read := file.read(block_bytes):
        rest += read
        end = rest.rfind(b"\n") + 1 or rest.rfind(b"\r", 0, -1) + 1
        if end:
            block, size = _block(first_line, rest[:end], form, columns, read_bytes=len(rest))
            if size:
                yield block
            first_line += _line_breaks(rest[:size])
            rest = rest[size:]
        if len(rest) > MAX_LINE_BYTES and not _line_breaks(rest):
            reason = f"has more than {MAX_LINE_BYTES:,} bytes"
            start = rest[:_SHOWN_BYTES].decode(errors="replace")
            yield Block(first_line, b"\n", (Malformed(first_line, reason, start),))
            first_line, rest = first_line + 1, _after_line_break(file, block_bytes)
    if rest:
        yield _block(first_line, rest, form, columns)[0]


def _after_line_break(file: Readable, block_bytes: int) -> bytes:
    """Skip the rest of a line, and return the bytes after its end that were already read."""
    while read := file.read(block_bytes):
        if ends := [place for place in (read.find(b"\n"), read.find(b"\r")) if place >= 0]:
            line_break, rest = read[min(ends) : min(ends) + 1], read[min(ends) + 1 :]
            if line_break == b"\r":
                rest = (rest or file.read(block_bytes)).removeprefix(b"\n")
            return rest
    return b""


def _block(
    first_line: int, data: bytes, form: CsvForm, columns: int, *, read_bytes: int | None = None
) -> tuple[Block, int]:
    """Return a block and the number of bytes that it takes from `data`.

    A last row that may continue is excluded. `read_bytes` also counts the start of the next line, and is None at the
    end of the file.
    """
    if _is_utf8(data) and (b'"' not in data or _closed(form.delimiter).fullmatch(data)):
        return Block(first_line, data, ()), len(data)
    lines = data.splitlines(keepends=True)
    rows, malformed, place, size = list[bytes](), list[Malformed](), 0, 0
    while place < len(lines):
        line, row, reason, joined = lines[place], lines[place].rstrip(b"\r\n"), "", 1
        if not _is_utf8(line):
            reason = f"is not {form.encoding.upper()} (see --encoding)"
        elif b'"' in row and not _closed(form.delimiter).fullmatch(row):
            following = lines[place : place + MAX_ROW_LINES]
            row, joined, is_open = _joined(following, form.delimiter, columns)
            may_continue = read_bytes is not None and read_bytes - size <= MAX_LINE_BYTES
            if is_open and may_continue and len(following) < MAX_ROW_LINES:
                break
            if not row:
                reason = f"has a quote that is not closed in a row of {columns} columns"
        if reason:
            malformed.append(Malformed(first_line + place, reason, line.rstrip(b"\r\n").decode(errors="replace")))
            row = b""
        rows += [row, *[b""] * (joined - 1)]
        size += sum(map(len, lines[place : place + joined]))
        place += joined
    body = b"\n".join(rows) + b"\n" if rows else b""
    return Block(first_line, body, tuple(malformed), has_breaks=BREAK.encode() in body), size


def _joined(lines: Sequence[bytes], delimiter: str, columns: int) -> tuple[bytes, int, bool]:
    """Join the lines of the first row. Return the row, its number of lines, and true if its last cell is still open.

    The row is empty if the lines do not form a valid row with `columns` cells.
    """
    parts, cells, size, is_open = list[bytes](), 1, 0, False
    for line in lines:
        parts.append(line.rstrip(b"\r\n"))
        delimiters, is_open = _scan(parts[-1], delimiter.encode(), is_open=is_open)
        cells, size = cells + delimiters, size + len(line)
        if delimiters < 0 or not _is_utf8(line) or size > MAX_LINE_BYTES:
            return b"", 1, False
        if not is_open:
            return (BREAK.encode().join(parts), len(parts), False) if cells == columns else (b"", 1, False)
    return b"", 1, True


def _scan(line: bytes, mark: bytes, *, is_open: bool) -> tuple[int, bool]:
    """Return the number of delimiters between cells, and true if the last cell is open.

    The number is negative if text follows the closing quote of a cell. `is_open` is true if the line starts within a
    quoted cell.
    """
    place, delimiters = 0, 0
    while True:
        if is_open or line.startswith(b'"', place):
            place = _QUOTED.match(line, place if is_open else place + 1).end()  # type: ignore[union-attr]
            if place == len(line):
                return delimiters, True
            place, is_open = place + 1, False
        else:
            end = line.find(mark, place)
            place = len(line) if end < 0 else end
        if place == len(line):
            return delimiters, False
        if not line.startswith(mark, place):
            return -1, False
        place, delimiters = place + 1, delimiters + 1


def _line_breaks(data: bytes) -> int:
    breaks = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))
    return breaks + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else breaks


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
