"""An item with its score: what every step from the candidates to the slate passes on."""

from __future__ import annotations

from typing import NamedTuple

from alsolike.records.served_response import RANKED


class ScoredItem(NamedTuple):
    """An item by its position. A tuple, since each answer makes dozens.

    Attributes
    ----------
    position
        See `functions.recommend.items.RequestItems`.
    origin
        Why the item has its place, see `alsolike.lake.served`: `ranked`, `paired`, `filled`, `promoted:<name>`,
        `pinned` or `explored`.
    propensity
        The probability of its place, given the places before it; None for a place that is not drawn at random.
    """

    position: int
    score: float
    origin: str = RANKED
    propensity: float | None = None
