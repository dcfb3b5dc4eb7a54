"""Chunks of histories, which bound the memory for scoring."""

from __future__ import annotations

from collections.abc import Iterator

CACHED_BYTES = 4 << 20
"""Size of a chunk that a processor's cache holds for the most part. With chunks of 16 MB, the search of a blend takes
1.3 times as long.
"""

PLACE_NUMBERS = 100
"""Number of float32 values that scoring needs per interaction, for example the size of a vector."""


def chunks(histories: int, *, items: int, length: int, pairs: bool, max_bytes: int | None = None) -> Iterator[slice]:
    """Yield slices of histories that need at most `max_bytes` for scoring. A single history may need more.

    The memory of a history is the larger of its scores and the intermediate values of its interactions.

    Parameters
    ----------
    length
        Maximum number of interactions per history.
    pairs
        True if a model compares all pairs of interactions, as the graph of `repurchase` does.
    max_bytes
        `CACHED_BYTES` by default.

    Examples
    --------
    1,000 scores take 4,000 bytes, and so do ten interactions with 100 values each.

    >>> list(chunks(5, items=999, length=10, max_bytes=8_000, pairs=False))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    numbers = max(items + 1, length * PLACE_NUMBERS, length**2 if pairs else 0)
    at_once = max(1, (max_bytes or CACHED_BYTES) // (4 * numbers))
    for start in range(0, histories, at_once):
        yield slice(start, min(start + at_once, histories))
