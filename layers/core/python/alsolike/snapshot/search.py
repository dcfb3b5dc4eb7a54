"""Search of the catalogue by words, without an index. A search scans the bytes of the columns."""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.arrays.ragged import Ragged
from alsolike.snapshot.columns import Column, ListColumn, StringColumn, TextColumn
from alsolike.snapshot.segment import Segment

MAX_WORDS = 10

_WORD = re.compile(r"[^\W_]+")
_BLOCK = 8_192  # rows per copy in lower case

Mask = npt.NDArray[np.bool_]


def words_of(text: str) -> tuple[str, ...]:
    """Return the first `MAX_WORDS` distinct words of a text, in lower case.

    Examples
    --------
    >>> words_of("Red shoes, red!")
    ('red', 'shoes')
    """
    return tuple(dict.fromkeys(_WORD.findall(text.lower())))[:MAX_WORDS]


def matching(segment: Segment, words: Sequence[str]) -> Mask:
    """Return the mask of the rows in which each of `words` is the start of a word in a value that contains text.

    The case of ASCII letters is ignored. Other letters match in lower case, upper case and capitalised words.
    """
    mask = np.ones(len(segment), np.bool_)
    for word in words:
        # `bytes.lower` changes ASCII only, so other letters need their own spellings.
        spellings = {text.encode().lower() for text in (word, word.capitalize(), word.upper())}
        found = _rows(segment.rest, spellings, is_json=True)
        for column in segment.columns.values():
            found |= _matching(column, spellings)
        mask &= found
    return mask


def _matching(column: Column, spellings: Collection[bytes]) -> Mask:
    if isinstance(column, TextColumn):
        return _rows(column.texts, spellings)
    if isinstance(column, StringColumn):
        return np.append(_rows(column.dictionary.values, spellings), False)[column.codes]  # code -1: no value
    if isinstance(column, ListColumn):
        row_of_element = np.repeat(np.arange(len(column.codes)), column.codes.lengths)
        found = np.zeros(len(column.codes), np.bool_)
        found[row_of_element[_rows(column.dictionary.values, spellings)[column.codes.data]]] = True
        return found
    return np.zeros(len(column.values), np.bool_)


def _rows(texts: Ragged, spellings: Collection[bytes], *, is_json: bool = False) -> Mask:
    """Return the mask of the rows in which a word starts with a spelling. Names in JSON objects do not count."""
    found = np.zeros(len(texts), np.bool_)
    for first in range(0, len(texts), _BLOCK):
        starts = texts.offsets[first : first + _BLOCK + 1].astype(np.int64).tolist()
        block = texts.data[starts[0] : starts[-1]].tobytes().lower()
        starts = [start - starts[0] for start in starts]
        for spelling in spellings:
            found[[first + row for row in _rows_of_block(block, starts, spelling, is_json=is_json)]] = True
    return found


def _rows_of_block(block: bytes, starts: Sequence[int], spelling: bytes, *, is_json: bool) -> Iterator[int]:
    place = block.find(spelling)
    while place >= 0:
        row = bisect.bisect_right(starts, place) - 1
        end, after = starts[row + 1], place + len(spelling)
        is_word = place == starts[row] or not block[place - 1 : place].isalnum()
        if is_word and after <= end and not (is_json and _is_in_name(block, after)):
            yield row
            place = block.find(spelling, end)
        else:
            place = block.find(spelling, place + 1)


def _is_in_name(block: bytes, place: int) -> bool:
    quote = block.find(b'"', place)
    return block[quote : quote + 2] == b'":'
