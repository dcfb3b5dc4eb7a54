"""A CSV's bytes as blocks of whole lines; a line that no parser can take as one row is set aside."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from operations.ingest.csv_form import PLAIN, CsvForm, Readable

MAX_LINE_BYTES = 4 << 20

_SHOWN_BYTES = 1000


@functools.cache
def _closed(delimiter: str) -> re.Pattern[bytes]:
    """Return the pattern of a line that ends outside a quoted cell.

    As in pyarrow, a quote within a cell is a character.
    """
    mark = re.escape(delimiter.encode())
    field = rb'(?:"(?:[^"]++|"")*+"|(?!"))[^%b]*+' % mark
    return re.compile(rb"%b(?:%b%b)*+" % (field, mark, field))


@dataclasses.dataclass(frozen=True, slots=True)
class Malformed:
    """A row of a CSV that has no columns to speak of."""

    line: int
    reason: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines.

    Attributes
    ----------
    first_line
        Number of the first one in the file, from 1.
    data
        UTF-8, each line a row; those set aside are blank here, so that all others keep their numbers.
    malformed
        The lines that were set aside.
    """

    first_line: int
    data: bytes
    malformed: tuple[Malformed, ...]


def blocks(file: Readable, *, block_bytes: int, form: CsvForm = PLAIN) -> Iterator[Block]:
    """Yield a file's lines, about `block_bytes` at once.

    A cell never continues in the next line: a missing closing quote costs that row and not all that follow.
    Nor is a line held that has more than `MAX_LINE_BYTES`: it is set aside, and the reading goes on after its end.
    """
    first_line, rest = 1, b""
    while read := file.read(block_bytes):
        rest += read
        end = rest.rfind(b"\n") + 1 or rest.rfind(b"\r", 0, -1) + 1
        if end:
            yield _block(first_line, rest[:end], form)
            first_line += _line_breaks(rest[:end])
            rest = rest[end:]
        if len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\r"):
            reason = f"has more than {MAX_LINE_BYTES:,} bytes"
            start = rest[:_SHOWN_BYTES].decode(errors="replace")
            yield Block(first_line, b"\n", (Malformed(first_line, reason, start),))
            first_line, rest = first_line + 1, _after_line_break(file, block_bytes)
    if rest:
        yield _block(first_line, rest, form)


def _after_line_break(file: Readable, block_bytes: int) -> bytes:
    """Read on to the end of a line; return what was read of the next one."""
    while read := file.read(block_bytes):
        if ends := [place for place in (read.find(b"\n"), read.find(b"\r")) if place >= 0]:
            line_break, rest = read[min(ends) : min(ends) + 1], read[min(ends) + 1 :]
            if line_break == b"\r":
                rest = (rest or file.read(block_bytes)).removeprefix(b"\n")
            return rest
    return b""


def _block(first_line: int, data: bytes, form: CsvForm) -> Block:
    if _is_utf8(data) and not _may_end_in_quotes(data, form.delimiter):
        return Block(first_line, data, ())
    lines = data.splitlines()
    malformed = []
    for place, line in enumerate(lines):
        if not _is_utf8(line):
            reason = f"is not {form.encoding.upper()} (see --encoding)"
        elif b'"' in line and not _closed(form.delimiter).fullmatch(line):
            reason = "has a quote that is not closed on the same line"
        else:
            continue
        malformed.append(Malformed(first_line + place, reason, line.decode(errors="replace")))
        lines[place] = b""
    return Block(first_line, b"\n".join(lines) + b"\n", tuple(malformed))


def _line_breaks(data: bytes) -> int:
    breaks = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))
    return breaks + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else breaks


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _may_end_in_quotes(data: bytes, delimiter: str) -> bool:
    """Return whether a line may have quotes other than as the first and last character of a cell; fast."""
    if b'"' not in data:
        return False
    characters = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    edges = (characters == ord(delimiter)) | _is_break(characters)
    line = np.searchsorted(np.flatnonzero(_is_break(characters)), quotes)
    if len(quotes) % 2 or (line[::2] != line[1::2]).any():
        return True
    return not (edges[quotes[::2] - 1].all() and edges[quotes[1::2] + 1].all())


def _is_break(characters: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    breaks: npt.NDArray[np.bool_] = (characters == ord("\n")) | (characters == ord("\r"))
    return breaks
