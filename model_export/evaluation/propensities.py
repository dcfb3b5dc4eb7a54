"""Propensities of places, estimated from impressions with adjacent items in random order."""

from __future__ import annotations

import numpy as np

from alsolike.bundle.position_bias import PositionBias, fit
from alsolike.bundle.reranker import Floats
from model_export.data.impressions import Impressions


def estimate(data: Impressions) -> PositionBias | None:
    """Return the propensity of each place, estimated from the pairs, or None if too few pairs have a gain."""
    return fit(data.places[data.opens_pair], _gains_of_pairs(data))


def pairs_with_gain(data: Impressions) -> int:
    """Return the number of randomly ordered pairs with a gain at either place."""
    return int(np.count_nonzero(_gains_of_pairs(data).any(axis=1)))


def _gains_of_pairs(data: Impressions) -> Floats:
    """Return the gains at the first and the second place of each pair, float64 `(pairs, 2)`."""
    first = np.flatnonzero(data.opens_pair)
    return np.stack([data.gains[first], data.gains[first + 1]], axis=1)
