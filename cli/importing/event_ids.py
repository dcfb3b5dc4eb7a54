"""Event ids made of what a row says, computed column by column.

Rows that say the same get the same id, in whatever file, chunk or run they stand, so that a repeated import
changes nothing; two identical rows of one file count once.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]

_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
"""One for each half of an id."""

_HEX = np.array([list(b"%02x" % byte) for byte in range(256)], np.uint8)


def event_ids(texts: list[pa.ChunkedArray], numbers: list[npt.NDArray[np.int64] | npt.NDArray[np.float64]]) -> pa.Array:
    """Return an id of 32 hexadecimal digits for each row.

    Each column's cells become two 64-bit hashes, which are mixed over the columns; a pair of rows that differ
    has the same id with a chance of about 2 ** -128.

    Parameters
    ----------
    texts
        String columns; null differs from the empty string.
    numbers
        Columns of 8-byte numbers; NaN stands for null.
    """
    hashed = [_text_hashes(column) for column in texts] + [_number_hashes(column) for column in numbers]
    halves = []
    for half, seed in enumerate(_SEEDS):
        mixed = np.full(len(hashed[0][half]), seed, np.uint64)
        for column in hashed:
            mixed = _scramble(mixed + column[half])
        halves.append(mixed)
    return _hexadecimal(np.stack(halves, axis=1))


def _text_hashes(column: pa.ChunkedArray) -> tuple[Hashes, Hashes]:
    """Hash each distinct text once."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    digests = b"".join(
        b"\0" * 16 if text is None else hashlib.blake2b(text.encode(), digest_size=16).digest()
        for text in encoded.dictionary.to_pylist()
    )
    table = np.frombuffer(digests, "<u8").reshape(-1, 2)
    indices = encoded.indices.to_numpy()
    return table[indices, 0], table[indices, 1]


def _number_hashes(column: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> tuple[Hashes, Hashes]:
    if column.dtype == np.float64:
        column = np.where(np.isnan(column), np.nan, column + 0.0)  # one NaN, and no negative zero
    bits = np.ascontiguousarray(column).view(np.uint64)
    first, second = (_scramble(bits ^ np.uint64(seed)) for seed in _SEEDS)
    return first, second


def _scramble(values: Hashes) -> Hashes:
    """Return splitmix64's finalizer of each value, a bijection that spreads every bit.

    References
    ----------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014), figure 18.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hexadecimal(halves: Hashes) -> pa.Array:
    """Return each row of `halves` `(n, 2)` as a string of 32 digits."""
    count = len(halves)
    digits = _HEX[halves.astype(">u8").view(np.uint8).reshape(count, 16)].reshape(count, 32)
    offsets = np.arange(0, 32 * count + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(digits.tobytes()))
