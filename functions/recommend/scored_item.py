"""Item with its score, which the steps from candidates to the slate exchange."""

from __future__ import annotations

from typing import NamedTuple

from alsolike.records.served_response import RANKED


class ScoredItem(NamedTuple):
    """Item by position. It is a tuple, because each response creates dozens of items.

    Attributes
    ----------
    position
        See `functions.recommend.masks.RequestItems`.
    origin
        Reason for the item's position: `ranked`, `paired`, `filled`, `promoted:<name>`, `pinned` or `explored`.
    propensity
        Probability of the item at its position, given the earlier positions; None if the position is not random.
    """

    position: int
    score: float
    origin: str = RANKED
    propensity: float | None = None
