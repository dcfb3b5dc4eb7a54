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


def event_ids(
    texts: Sequence[tuple[Texts, Hashes]], later_texts: Sequence[tuple[Texts, Hashes]], numbers: Sequence[Numbers]
) -> Hashes:
    """Return an ID of two 64-bit halves per row, shape `(rows, 2)`.

    Each cell is hashed to two 64-bit values, which are combined over all columns of a row. Two different rows have
    equal IDs with a probability of about 2 ** -128. NaN represents a null number.

    `later_texts` are the columns that later schema versions added. Their null cells are skipped, so that a row without
    values in them keeps the ID that it has in a file without these columns.
    """
    halves = []
    bits = [_bits(column) for column in numbers]
    for half, seed in enumerate(_SEEDS):
        mixed = np.full(len(texts[0][0]), seed, np.uint64)
        for column, hashes in texts:
            mixed = _scrambled(mixed if column.is_absent else mixed + hashes[column.codes, half])
        for column, hashes in later_texts:
            if not column.is_absent:
                hashed = _scrambled(mixed + hashes[column.codes, half])
                mixed = np.where(column.codes >= 0, hashed, mixed)
        for values in bits:
            mixed = _scrambled(mixed + _scrambled(values ^ np.uint64(seed)))
        halves.append(mixed)
    return np.stack(halves, axis=1)


def text_hashes(column: Texts) -> Hashes:
    """Return the hashes of a column's values, shape `(values + 1, 2)`. The last row is the hash of null."""
    blake2b = hashlib.blake2b
    digests = [blake2b(text, digest_size=16).digest() for text in column.values.cast(pa.binary()).to_pylist()]
    return np.frombuffer(b"".join([*digests, b"\0" * 16]), "<u8").reshape(-1, 2)


def hexadecimal(ids: Hashes) -> pa.StringArray:
    """Return each row of `ids`, shape `(rows, 2)`, as a string of 32 hexadecimal digits."""
    digits = ids.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, len(digits) + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(digits))


def _bits(column: Numbers) -> Hashes:
    if column.dtype == np.float64:
        column = np.where(np.isnan(column), np.nan, column + 0.0)  # Normalise NaN and negative zero.
    return np.ascontiguousarray(column).view(np.uint64)


def _scrambled(values: Hashes) -> Hashes:
    """Return the result of splitmix64's finalizer for each value, a bijection that spreads every bit.

    References
    ----------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
    """
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return values ^ (values >> np.uint64(31))
