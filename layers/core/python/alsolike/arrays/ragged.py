"""Sequences of different lengths in one array, and dictionaries that map distinct strings to integer codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.arrays.tensors import Array
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.runtime.struct import struct

Rows = npt.NDArray[np.int64]

_BLOCK = 16_384  # Rows that `take` gathers per step. This limits the memory for the 8-byte indices of their elements.
_HASH_BYTES = 8
_ROW_BITS = 32  # Offsets are uint32.


def hashes_of(blobs: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    digests = b"".join([hashlib.blake2b(blob, digest_size=_HASH_BYTES).digest() for blob in blobs])
    return np.frombuffer(digests, "<u8")


def find(hashes: Array, wanted: Array) -> Rows:
    """Return the index of each element of `wanted` in the sorted `hashes`, or -1 if the element is absent."""
    if not len(hashes):
        return np.full(len(wanted), -1)
    slots = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return np.where(hashes[slots] == wanted, slots, -1)


@struct
class Ragged:
    """Sequences by row (compressed sparse rows).

    Attributes
    ----------
    offsets
        Offsets of the rows, uint32 `(n + 1,)`. Row i is `data[offsets[i]:offsets[i + 1]]`.
    data
        Elements of all rows, for example bytes, codes of a dictionary or positions.
    """

    offsets: Array
    data: Array

    @classmethod
    def from_bytes(cls, strings: Sequence[bytes]) -> Ragged:
        return cls(_offsets([len(string) for string in strings]), np.frombuffer(b"".join(strings), np.uint8))

    @classmethod
    def from_codes(cls, lengths: Sequence[int] | Rows, codes: Array) -> Ragged:
        return cls(_offsets(lengths), codes)

    @classmethod
    def concatenate(cls, parts: Sequence[Ragged]) -> Ragged:
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(_offsets(lengths), np.concatenate([part.data for part in parts]))

    @property
    def lengths(self) -> Rows:
        ends = self.offsets.astype(np.int64)
        return ends[1:] - ends[:-1]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Array:
        return self.data[self.offsets[row] : self.offsets[row + 1]]

    def blob(self, row: int) -> bytes:
        return self[row].tobytes()

    def inverted(self, size: int) -> Ragged:
        """Return the index from codes to rows. Row c of the result contains the indices of the rows with the code c.

        The indices are ascending uint32, once per occurrence of the code. All codes must be below `size`.
        """
        pairs = self.data.astype(np.int64)
        pairs <<= _ROW_BITS
        pairs |= np.repeat(np.arange(len(self)), self.lengths)
        pairs.sort()  # Several times faster than a stable argsort of the codes.
        pairs &= (1 << _ROW_BITS) - 1
        return Ragged.from_codes(np.bincount(self.data, minlength=size), pairs.astype(np.uint32))

    def take(self, rows: Rows) -> Ragged:
        starts = self.offsets[rows].astype(np.int64)
        lengths = self.offsets[rows + 1].astype(np.int64) - starts
        offsets = _offsets(lengths)
        data = np.empty(int(offsets[-1]), self.data.dtype)
        for first in range(0, len(rows), _BLOCK):
            block = slice(first, first + _BLOCK)
            begin, end = int(offsets[first]), int(offsets[min(first + _BLOCK, len(rows))])
            shift = np.repeat(starts[block] - offsets[:-1][block], lengths[block])
            data[begin:end] = self.data[np.arange(begin, end) + shift]
        return Ragged(offsets, data)


@struct
class Dictionary:
    """Distinct strings. The code of a string is the index of its hash among the sorted hashes.

    Attributes
    ----------
    values
        Strings in UTF-8, in the order of the hashes.
    """

    hashes: Array
    values: Ragged

    @classmethod
    def of(cls, strings: Sequence[str]) -> tuple[Dictionary, Array]:
        """Return the dictionary and the int32 code of each string."""
        distinct = [string.encode() for string in dict.fromkeys(strings)]
        hashes = hashes_of(distinct)
        order = np.argsort(hashes)
        dictionary = cls(hashes[order], Ragged.from_bytes([distinct[place] for place in order.tolist()]))
        code_of = {distinct[place].decode(): code for code, place in enumerate(order.tolist())}
        return dictionary, np.array([code_of[string] for string in strings], np.int32)

    @classmethod
    def unite(cls, parts: Sequence[Dictionary]) -> tuple[Dictionary, list[Array]]:
        """Return the union of the dictionaries, and for each part the new codes, indexed by the old codes."""
        largest = max(parts, key=len)
        codes = [find(largest.hashes, part.hashes) for part in parts]
        if all((part >= 0).all() for part in codes):  # The common case: one part has all values.
            return largest, [part.astype(np.int32) for part in codes]
        hashes, first, inverse = np.unique(
            np.concatenate([part.hashes for part in parts]), return_index=True, return_inverse=True
        )
        values = Ragged.concatenate([part.values for part in parts]).take(first)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        return cls(hashes, values), np.split(inverse.astype(np.int32), ends)

    def __len__(self) -> int:
        return len(self.hashes)

    def __iter__(self) -> Iterator[str]:
        return (self[code] for code in range(len(self)))

    def __getitem__(self, code: int) -> str:
        return self.values.blob(code).decode()

    def code(self, value: str) -> int:
        return int(self.codes([value])[0])

    def codes(self, values: Sequence[str]) -> Rows:
        """Return the code of each string, or -1 if the string is not in the dictionary."""
        return find(self.hashes, hashes_of([value.encode() for value in values]))

    def only(self, codes: Array) -> tuple[Dictionary, Array]:
        """Return a dictionary of only the strings with these codes, and `codes` translated to the codes of that
        dictionary. -1 remains -1.
        """
        used = np.zeros(len(self) + 1, bool)  # The last element is for the code -1.
        used[codes] = True
        used[-1] = False
        if used[:-1].all():
            return self, codes
        new = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)
        kept = np.flatnonzero(used)
        return Dictionary(self.hashes[kept], self.values.take(kept)), new[codes]


def _offsets(lengths: Sequence[int] | Rows) -> Array:
    ends = np.cumsum(lengths, dtype=np.int64)
    if len(ends) and ends[-1] >= 2**32:
        raise InvalidSnapshot(f"a column has {ends[-1]} bytes or elements, expected less than {2**32}")
    return np.concatenate([np.zeros(1, np.uint32), ends.astype(np.uint32)])
