"""Event IDs computed from the content of rows, column by column.

A repeated import of a file with equal options computes equal IDs, and identical rows have equal IDs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operations.ingest.text_columns import Texts

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]

_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
"""Hash seed per half of an ID."""

_STRIPE_ROWS = 1 << 14
"""Number of rows per step. The intermediate results fit into the processor's cache."""

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_BYTE_PAIRS = _DIGITS[(np.arange(1 << 16)[:, None] >> np.array([4, 0, 12, 8])) & 15].view(np.uint32).ravel()
"""Four hexadecimal digits per pair of bytes, low byte first."""


def event_ids(
    texts: Sequence[tuple[Texts, Hashes]], later_texts: Sequence[tuple[Texts, Hashes]], numbers: Sequence[Numbers]
) -> Hashes:
    """Return an ID of two 64-bit halves per row, shape `(rows, 2)`.

    Each cell is hashed to two 64-bit values, which are combined over all columns of a row. Two different rows have
    equal IDs with a probability of about 2 ** -128. NaN represents a null number.

    `later_texts` are the columns that later schema versions added. Their null cells are skipped, so that a row without
    values in them keeps the ID that it has in a file without these columns.
    """
    rows = len(texts[0][0])
    ids = np.empty((rows, len(_SEEDS)), np.uint64)
    mixed, scratch = np.empty(_STRIPE_ROWS, np.uint64), np.empty(_STRIPE_ROWS, np.uint64)
    for start in range(0, rows, _STRIPE_ROWS):
        part = slice(start, min(start + _STRIPE_ROWS, rows))
        m, s = mixed[: part.stop - start], scratch[: part.stop - start]
        bits = [_bits(column[part]) for column in numbers]
        for half, seed in enumerate(_SEEDS):
            m.fill(seed)
            for column, hashes in texts:
                if not column.is_absent:
                    m += hashes[column.codes[part], half]
                _scramble(m, s)
            for column, hashes in later_texts:
                codes = column.codes[part]
                hashed = m + hashes[codes, half]
                _scramble(hashed, s)
                np.copyto(m, hashed, where=codes >= 0)
            for values in bits:
                hashed = values ^ np.uint64(seed)
                _scramble(hashed, s)
                m += hashed
                _scramble(m, s)
            ids[part, half] = m
    return ids


def text_hashes(column: Texts) -> Hashes:
    """Return the hashes of a column's values, shape `(values + 1, 2)`. The last row is the hash of null."""
    blake2b = hashlib.blake2b
    digests = [blake2b(text, digest_size=16).digest() for text in column.values.cast(pa.binary()).to_pylist()]
    return np.frombuffer(b"".join([*digests, b"\0" * 16]), "<u8").reshape(-1, 2)


def hexadecimal(ids: Hashes) -> pa.StringArray:
    """Return each row of `ids`, shape `(rows, 2)`, as a string of 32 hexadecimal digits."""
    count = len(ids)
    digits = _BYTE_PAIRS[np.ascontiguousarray(ids).byteswap().view(np.uint16)]
    offsets = np.arange(0, 32 * count + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(digits))


def _bits(column: Numbers) -> Hashes:
    if column.dtype == np.float64:
        column = np.where(np.isnan(column), np.nan, column + 0.0)  # Normalise NaN and negative zero.
    return np.ascontiguousarray(column).view(np.uint64)


def _scramble(values: Hashes, scratch: Hashes) -> None:
    """Replace each value by the result of splitmix64's finalizer, a bijection that spreads every bit.

    References
    ----------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        np.right_shift(values, np.uint64(shift), out=scratch)
        values ^= scratch
        values *= np.uint64(factor)
    np.right_shift(values, np.uint64(31), out=scratch)
    values ^= scratch
