"""Off-policy estimates in shops whose outcomes follow the position-based model exactly."""

import numpy as np
import pytest

from benchmarks.forecasting import Shop, forecasts
from operations.forecast.off_policy import CLICKS, NO_ITEM, LoggedLists, forecast

A, B, C = 0, 1, 2


def logged(*, users=400, pairs=True, clicks=True):
    """Return logged lists. Half of the lists have the order A, B, and half the order B, A.

    An examined item is clicked with probability 1/2 for A and 1/4 for B. The second place is examined half as often
    as the first.
    """
    chi, rate = (1.0, 0.5), {A: 0.5, B: 0.25}
    items, outcomes = [], []
    for user in range(users):
        order = (A, B) if user % 2 else (B, A)
        items.append(order)
        turn = user // 2 % 8
        outcomes.append([float(clicks and turn < 8 * chi[place] * rate[item]) for place, item in enumerate(order)])
    opens = np.zeros((users, 2), np.bool_)
    opens[:, 0] = pairs
    return LoggedLists(np.arange(users), np.array(items), opens, {CLICKS: np.array(outcomes)})


def lists(log, *items):
    return np.tile(np.array(items), (len(log.users), 1))


def only(found):
    (outcome,) = found.outcomes
    return outcome


def test_order_of_two_items_changes_clicks_by_places_and_rates():
    """The present list has 1 * 0.5 + 0.5 * 0.25 clicks, the draft's list 1 * 0.25 + 0.5 * 0.5."""
    log = logged(users=4_000)

    found = forecast(log, present=lists(log, A, B), draft=lists(log, B, A))

    outcome = only(found)
    assert outcome.present.value == pytest.approx(0.625, abs=0.01)
    assert outcome.draft.value == pytest.approx(0.5, abs=0.01)
    assert outcome.self_normalised.value == pytest.approx(-0.125, abs=0.015)
    assert outcome.difference.low < -0.125 < outcome.difference.high < 0
    assert (found.support, found.changed, found.pairs) == (1.0, 1.0, 1_500)


def test_unchanged_lists_have_no_difference():
    log = logged()

    found = forecast(log, present=lists(log, A, B), draft=lists(log, A, B))

    assert only(found).difference.value == 0
    assert found.changed == 0


def test_list_of_many_new_items_has_no_number():
    log = logged(users=1_000)

    found = forecast(log, present=lists(log, A, B), draft=lists(log, A, C))

    outcome = only(found)
    assert found.support < 0.9
    assert outcome.difference is None
    assert "of the expected attention is for items that were shown" in outcome.missing


def test_support_just_below_the_minimum_is_not_rounded_to_it():
    log = logged(users=4_000)
    draft = lists(log, A, B)
    draft[:1_216, 1] = C

    found = forecast(log, present=lists(log, A, B), draft=draft)

    assert 0.895 < found.support < 0.9
    assert only(found).missing.startswith("not enough evidence: 89.")


def test_interval_contains_zero_to_twice_the_value_of_new_items():
    """A new item is at the third place of 4% of the lists."""
    log = logged(users=4_000)
    present, draft = lists(log, A, B, NO_ITEM), lists(log, A, B, NO_ITEM)
    draft[:160, 2] = C

    found = forecast(log, present=present, draft=draft)

    value, low, high = only(found).difference
    assert low <= 0 < value
    assert high >= 2 * value


def test_new_item_in_both_lists_adds_no_uncertainty():
    log = logged(users=4_000)
    both = lists(log, A, B, NO_ITEM)
    both[:160, 2] = C

    outcome = only(forecast(log, present=both, draft=both))

    assert outcome.difference == (0, 0, 0)
    assert outcome.present.low < outcome.present.high


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (logged(users=199), "199 users, expected at least 200"),
        (logged(pairs=False), "fewer than 50 pairs in random order with a click"),
        (logged(clicks=False), "fewer than 50 pairs in random order with a click"),
    ],
    ids=["few users", "no random pairs", "no clicks"],
)
def test_forecast_without_evidence_has_no_number(log, message):
    outcome = only(forecast(log, present=lists(log, A, B), draft=lists(log, B, A)))

    assert (outcome.difference, outcome.draft) == (None, None)
    assert outcome.missing == f"not enough evidence: {message}"


def test_rare_outcome_without_evidence_leaves_others():
    log = logged(users=2_000)
    few = np.zeros((2_000, 2))
    few[:20, 0] = 5.0
    log = LoggedLists(log.users, log.items, log.opens_pair, {**log.outcomes, "revenue": few})

    clicks, revenue = forecast(log, present=lists(log, A, B), draft=lists(log, B, A)).outcomes

    assert clicks.missing is None
    assert revenue.missing is not None
    assert "revenue, expected at least 50" in revenue.missing


def test_result_does_not_depend_on_the_order_of_responses():
    log = logged(users=1_000)
    order = np.random.default_rng(1).permutation(1_000)
    other = LoggedLists(
        log.users[order], log.items[order], log.opens_pair[order], {CLICKS: log.outcomes[CLICKS][order]}
    )

    first, second = (forecast(each, present=lists(each, A, B), draft=lists(each, B, A)) for each in (log, other))

    assert only(first).difference.value == pytest.approx(only(second).difference.value)


def test_forecast_in_a_simulated_shop_contains_the_truth():
    found, cost = forecasts(Shop(users=1_000, responses=5_000), 7, ("order", "cap"))

    result, truth = found["order"]
    for outcome in result.outcomes:
        assert outcome.difference is not None, outcome.missing
        assert outcome.difference.low <= truth[outcome.name] <= outcome.difference.high
    assert all(outcome.missing for outcome in found["cap"][0].outcomes)
    assert 0 < cost < 0.01
