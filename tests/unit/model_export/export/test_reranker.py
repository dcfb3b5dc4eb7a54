import dataclasses

import numpy as np
import pytest

from alsolike.bundle.position_bias import MIN_PAIRS
from alsolike.bundle.reranker import FEATURES
from alsolike.declarations.times import DAY_MS
from alsolike.training.dataset import MAX_PLACES
from benchmarks.reranking import measure
from model_export.data.impressions import Response, impressions, item_columns
from model_export.export.reranker import (
    MIN_RESPONSES,
    choose_reranker,
    comparison,
    estimate_propensities,
    evaluate,
    fit,
    pairs_with_gain,
    utilities,
)

EVEN = np.ones(MAX_PLACES)
COLUMNS = item_columns([{"price": 1}, {"price": 2}, {"price": 4}, {}])


def test_reranker_recovers_most_of_the_true_gain():
    found = measure(4_000, seed=2)

    assert found.choice.reranker is not None
    assert found.recovered > 0.7


def test_reranker_without_random_pairs_is_off_with_the_reason():
    found = measure(2_000, seed=2, swaps=0.0)

    assert found.choice.reranker is None
    assert found.choice.sentence() == (
        "off, 0 pairs of neighbours in random order with an outcome, at least 50 needed: "
        "set recommenders.for-you.swaps in the configuration"
    )


def test_reranker_without_a_signal_is_off_and_loses_nothing():
    found = measure(2_000, seed=2, signal=False)

    assert found.choice.quality is not None
    assert found.reranked > found.score - 0.002
    assert found.choice.reranker is None


def test_few_outcomes_give_no_reranker():
    shown = [response(clicked=n % 3)._replace(pairs=[n % 2]) for n in range(100)]

    choice = choose_reranker(impressions(shown, COLUMNS), COLUMNS)

    assert choice.reranker is None
    assert choice.sentence() == "off, 100 responses with an outcome, at least 625 needed"
    assert MIN_RESPONSES == 0.4 * 625


def test_evaluation_weights_outcomes_by_inverse_propensities():
    """The model ranks by price: items 3, 2, 1. The clicks were at the positions 0 and 2 of the order 1, 2, 3."""
    data = impressions([response(clicked=0), response(clicked=2)], COLUMNS)
    model = fit(data, COLUMNS, EVEN)
    weights = np.zeros_like(model.weights)
    weights[0, FEATURES.index("price")] = 1.0
    model = dataclasses.replace(model, weights=weights)

    quality = evaluate(comparison(model, 1 / np.arange(1, 51), data))

    discount = 1 / np.log2(4)  # The discount of rank 3.
    assert quality.ndcg == pytest.approx((1 * discount + 3 * 1) / 4)
    assert quality.score_ndcg == pytest.approx((1 * 1 + 3 * discount) / 4)


def test_nearly_equal_values_are_not_divided_by_rounding_errors():
    columns = item_columns([{"category": name} for name in ("fruit", "nuts", "roots")])
    shown = [response(clicked=n % 3)._replace(history=np.array([1, 2, 3])) for n in range(30)]
    data = impressions(shown, columns)
    share = FEATURES.index("category share")
    assert data.features[:, share].tolist() == [1 / 3] * 90
    assert data.features.std(axis=0)[share] > 0  # The deviation results from rounding.

    model = fit(data, columns, EVEN)

    assert model.deviations[share] == 1


def test_serving_utilities_equal_training_utilities():
    shown = [response(clicked=n % 3, served_ms=n * DAY_MS // 5) for n in range(30)]
    data = impressions(shown, COLUMNS)
    model = fit(data, COLUMNS, EVEN)

    served = [
        model.utilities(each.positions, each.scores, history=each.history, now_ms=each.served_ms, device=each.device)
        for each in shown
    ]

    assert np.concatenate(served) == pytest.approx(utilities(model, data))


def response(*, clicked, served_ms=0):
    return Response(
        served_ms,
        np.array([1, 2, 3]),
        np.array([3.0, 2.0, 1.0]),
        np.arange(3),
        np.eye(3)[clicked],
        np.array([2]),
        ("phone", "desktop")[clicked % 2],
    )


def test_revenue_objective_ranks_expensive_items_higher():
    """Each item is at each position equally often, and is clicked equally often."""
    orders = [np.roll([0, 1, 2], n % 3) for n in range(300)]
    shown = [
        response(clicked=n // 3 % 3)._replace(positions=1 + order, scores=np.ones(3)) for n, order in enumerate(orders)
    ]
    prices = np.array([0.0, 1.0, 2.0, 4.0])

    click_model = fit(impressions(shown, COLUMNS), COLUMNS, EVEN)
    dear = [each._replace(gains=each.gains * prices[each.positions]) for each in shown]
    revenue_model = fit(impressions(dear, COLUMNS), COLUMNS, EVEN)

    price = FEATURES.index("price")
    assert click_model.weights[0, price] == pytest.approx(0, abs=0.05)
    assert revenue_model.weights[0, price] > 0.15


TEN_ITEMS = item_columns([{}] * 10)


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
    return impressions(shown, TEN_ITEMS)


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
    data = impressions([clicks_at(5, pairs=[0])] * 100, TEN_ITEMS)

    assert pairs_with_gain(data) == 0
