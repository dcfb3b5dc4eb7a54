"""Chunks of histories that are scored at a time, so that memory is bounded for any shop."""

from __future__ import annotations

from collections.abc import Iterator

PLACE_NUMBERS = 100
"""Numbers that a model holds per interaction while it scores: a vector, or an item's targets."""


def chunks(histories: int, *, items: int, length: int, most_bytes: int, pairs: bool) -> Iterator[slice]:
    """Yield slices of histories, each of at most `most_bytes`, or of one history.

    Many users of a few items would else be scored at once, with all that a model holds of their interactions.

    Parameters
    ----------
    length
        Interactions that a history has room for.
    pairs
        Whether each interaction may be compared with each other one, as in `repurchase`'s graph.

    Examples
    --------
    A score of 999 items and of none takes 4,000 bytes, and ten interactions take as much.

    >>> list(chunks(5, items=999, length=10, most_bytes=8_000, pairs=False))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    numbers = max(items + 1, length * PLACE_NUMBERS, length**2 if pairs else 0)
    at_once = max(1, most_bytes // (4 * numbers))
    for start in range(0, histories, at_once):
        yield slice(start, min(start + at_once, histories))
