"""Propensities of positions from pairs in random order."""

import numpy as np
import pytest

from alsolike.bundle.position_bias import MIN_PAIRS
from model_export.data.impressions import Response, impressions, item_columns
from model_export.export.reranker import estimate_propensities, pairs_with_gain

COLUMNS = item_columns([{}] * 10)


def clicks_at(*places, pairs):
    clicked = np.isin(np.arange(10), places).astype(float)
    return Response(0, np.arange(1, 11), np.ones(10), np.arange(10), clicked, np.array([1]), pairs=pairs)


def logged(counts):
    """Return responses with clicks. `counts` has the clicks per position, for each pair with this position."""
    shown = [
        clicks_at(place, pairs=[first])
        for place, count in counts.items()
        for first in (place - 1, place)
        if 0 <= first < 9
        for _ in range(count)
    ]
    return impressions(shown, COLUMNS)


@pytest.mark.parametrize("decay", [0.3, 1.0])
def test_propensities_follow_the_gains_of_pairs(decay):
    bias = estimate_propensities(logged({place: round(2_000 * (1 + place) ** -decay) for place in range(10)}))

    assert bias.propensities()[:10] == pytest.approx((1.0 + np.arange(10)) ** -decay, rel=0.05)


def test_error_falls_with_more_pairs():
    few, many = (
        estimate_propensities(logged({place: round(scale / (1 + place)) for place in range(10)}))
        for scale in (200, 4_000)
    )

    assert few.error > 2 * many.error > 0


def test_standard_errors_make_propensities_flatter_or_steeper():
    bias = estimate_propensities(logged({place: round(200 / (1 + place)) for place in range(10)}))

    flatter, steeper = bias.propensities(-1), bias.propensities(1)
    assert flatter[0] == steeper[0] == 1
    assert flatter[9] > bias.propensities()[9] > steeper[9]


def test_few_pairs_give_no_propensities():
    data = logged({0: MIN_PAIRS - 1})

    assert pairs_with_gain(data) == MIN_PAIRS - 1
    assert estimate_propensities(data) is None


def test_gains_outside_of_pairs_are_ignored():
    data = impressions([clicks_at(5, pairs=[0])] * 100, COLUMNS)

    assert pairs_with_gain(data) == 0
