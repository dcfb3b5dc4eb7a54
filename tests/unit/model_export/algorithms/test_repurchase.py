import dataclasses
import math

import numpy as np
import pytest

from alsolike.bundle.files import GRAPH_FILE
from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS
from model_export.algorithms.blend import Blend
from model_export.algorithms.building_blocks.four_weeks import Windows
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.repurchase import COEFFICIENTS, Repurchase, RepurchaseModel
from model_export.api import Model
from model_export.export.parity import check_parity
from model_export.export.writer import open_session, recommend, write_graphs
from tests.unit.model_export.shops import bought, history, interactions, judge_by

C = COEFFICIENTS


def probability(ages, *, stick=1.0, demand=1.0, c=COEFFICIENTS):
    """Return the probability by the documented formula from ages in days."""
    h120, h30 = (sum(2 ** (-age / days) for age in ages) for days in (120, 30))
    a, b, s, n = math.log(h120 + 0.05), math.log(h30 + 0.1), math.log(min(ages) + 3), math.log(len(ages))
    k, d = math.log(stick), math.log(demand)
    score = c[0] + c[1] * a + c[2] * b + c[3] * s + c[4] * b * s + c[5] * s * s + c[6] * n
    return 1 / (1 + math.exp(-(score + c[7] * k + c[8] * k * n + c[9] * d)))


def aged(*lines, weight=1.0):
    return history(*(item for item, _ in lines), weights=[weight * 2 ** (-age / 120) for _, age in lines])


def answered(model, directory, histories):
    write_graphs(model, directory)
    items, scores = recommend(
        open_session(directory / GRAPH_FILE), histories, exclude=np.zeros((1, 0), np.int64), k=model.items
    )
    return {item: score for item, score in zip(items[0].tolist(), scores[0].tolist(), strict=True) if item}


def made(*, stick, demand, unit=1.0, half_life_days=120.0):
    k, d = np.log(np.array([1.0, *stick])), np.log(np.array([1.0, *demand]))
    return RepurchaseModel(
        settings=Repurchase(half_life_days=half_life_days),
        items=len(stick),
        unit=unit,
        coefficients=C[:7],
        constant=(C[7] * k + C[9] * d).astype(np.float32),
        count_weight=(C[8] * k).astype(np.float32),
    )


def habit(*, users=60, windows=8):
    """Return purchases of item 1 every four weeks, and of items 2 to 4 and one of the other items once per user."""
    visits = []
    for user in range(users):
        days = {28 * window + user % 28: [1] for window in range(windows)}
        for item in (2, 3, 4):
            days[28 * ((user + item) % windows) + user % 28].append(item)
        days[28 * (user % windows) + user % 28].append(5 + user % 7)
        visits.append(days)
    return bought(*visits)


def test_score_equals_the_documented_formula(tmp_path):
    model = made(stick=[2.0, 0.5, 1.0], demand=[1.0, 1.5, 0.8], unit=5.0)
    histories = aged((1, 90), (2, 61.5), (1, 31), (0, 0), (1, 4.5), weight=5.0)

    expected = [0, probability([90, 31, 4.5], stick=2.0), probability([61.5], stick=0.5, demand=1.5), 0]
    np.testing.assert_allclose(model.score(histories)[0], expected, rtol=1e-4)
    by_item = answered(model, tmp_path, histories)
    assert list(by_item) == [item for item in np.argsort(-np.array(expected)).tolist() if expected[item]]
    np.testing.assert_allclose([by_item[1], by_item[2]], expected[1:3], rtol=1e-4)


def test_regular_item_scores_above_a_frequent_but_lapsed_one(tmp_path):
    kept, lapsed = [(1, float(age)) for age in (95, 65, 35, 5)], [(2, float(age)) for age in range(160, 250, 10)]
    histories = aged(*lapsed, *kept)
    model = made(stick=[1.0, 1.0], demand=[1.0, 1.0])

    assert list(answered(model, tmp_path, histories)) == [1, 2]
    assert model.score(histories).argmax() == 1


def test_smaller_weight_counts_as_older_and_larger_as_today(tmp_path):
    model = made(stick=[1.0, 1.0], demand=[1.0, 1.0], unit=4.0)

    # With the unit 4, a weight of 1 means two half-lives. A weight above 4 means today.
    scores = answered(model, tmp_path, history(1, 2, weights=[1.0, 100.0]))

    np.testing.assert_allclose([scores[1], scores[2]], [probability([240]), probability([0])], rtol=1e-4)


@pytest.mark.parametrize(("half_life_days", "age"), [(30.0, 45.0), (240.0, 360.0), (math.inf, 0.0)])
def test_ages_are_derived_from_weights_by_the_half_life(half_life_days, age, tmp_path):
    model = made(stick=[1.0], demand=[1.0], half_life_days=half_life_days)
    weight = 1.0 if math.isinf(half_life_days) else 2**-1.5

    found = answered(model, tmp_path, history(1, weights=[weight]))

    np.testing.assert_allclose(found[1], probability([age]), rtol=1e-4)
    np.testing.assert_allclose(model.score(history(1, weights=[weight]))[0, 1], probability([age]), rtol=1e-4)


@pytest.mark.parametrize("half_life_days", [30.0, 120.0, math.inf])
def test_zero_weight_interactions_are_ignored(half_life_days, tmp_path):
    model = made(stick=[1.0, 1.0], demand=[1.0, 1.0], half_life_days=half_life_days)
    without, with_ = history(1, weights=[0.25]), history(1, 2, 1, weights=[0.25, 0.0, 0.0])

    np.testing.assert_array_equal(model.score(with_), model.score(without))
    assert answered(model, tmp_path, with_) == answered(model, tmp_path, without)


def test_very_small_scores_keep_their_order_in_the_graph(tmp_path):
    """ONNX Runtime's Sigmoid returns 0 below -18."""
    unlikely = dataclasses.replace(made(stick=[1.0] * 3, demand=[1.0] * 3), coefficients=(0.0,) * 5 + (-1.0, 0.0))
    histories = aged((3, 1500), (2, 200), (1, 400))

    scores = answered(unlikely, tmp_path, histories)

    expected = [math.exp(-(math.log(203) ** 2)), math.exp(-(math.log(403) ** 2)), math.exp(-50)]
    assert list(scores) == [2, 1, 3]
    np.testing.assert_allclose(list(scores.values()), expected, rtol=1e-4)
    np.testing.assert_allclose(unlikely.score(histories)[0, [2, 1, 3]], expected, rtol=1e-4)


def test_graph_equals_the_model_for_lapsed_customers(tmp_path):
    """Each user buys one item daily for three weeks, up to a year ago, and never after a pause."""
    data = bought(*({start + day: [1 + start % 5] for day in range(21)} for start in range(0, 360, 2)))
    model = Repurchase().fit(data)
    histories = data.histories(
        starts=data.offsets[:-1],
        ends=data.offsets[1:],
        now_ms=np.full(data.users, data.time_ms.max()),
        parameters=HistoryParameters(length=100, half_life_days=120.0, event_weights={}),
    )
    write_graphs(model, tmp_path)

    check_parity(model, tmp_path, histories)
    assert model.score(histories).max(axis=1).min() < 1e-6


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bought({0: [1], 28: [1], 55: [1, 2]}), id="less than eight weeks"),
        pytest.param(bought({0: [1], 100: [2]}, {50: [3], 140: [4]}), id="nothing again"),
        pytest.param(interactions([[1, 2], [2, 1]], step_ms=0), id="one moment"),
    ],
)
def test_coefficients_are_fixed_if_the_data_are_too_short(data):
    assert Repurchase().fit(data).coefficients == C[:7]


def test_coefficients_are_learned_from_eight_weeks_on():
    data = bought(*({day: [1] for day in (0, 28, 56)} for _ in range(3)))

    assert Repurchase().fit(data).coefficients != C[:7]


def test_learned_probabilities_match_the_data():
    model = Repurchase(demand_days=0.0).fit(habit())

    scores = model.score(aged(*((1, float(age)) for age in range(210, 0, -28)), (2, 100)))[0]

    assert scores[1] > 0.9  # The user bought this item every four weeks.
    assert scores[2] < 0.3


def test_interactions_after_a_cutoff_do_not_change_earlier_factors():
    """For the first cutoff, rows of the last four weeks are only targets."""
    data = habit()
    cut = int(data.time_ms.max()) - 28 * DAY_MS

    whole, until = Windows.of(data), Windows.of(data.until(cut))

    np.testing.assert_array_equal(whole.stick(1), until.stick(0))


def test_stick_is_the_share_of_windows_followed_by_a_purchase():
    # Windows are counted back from day 120: days 93 to 120, 65 to 92, 37 to 64 and 9 to 36.
    data = bought({30: [1], 50: [1, 1], 100: [1]}, {30: [1], 80: [2], 120: [2]}, {120: [1]})

    # Item 1: the windows of days 30 and 50 of the first user and of day 30 of the second user. Only the first one is
    # followed by a purchase in the next window. Item 2: one window, followed by a purchase.
    mean = 2 / 4
    expected = [1, (1 / mean + 10) / (3 + 10), (1 / mean + 10) / (1 + 10)]
    np.testing.assert_allclose(Windows.of(data).stick(0), expected, rtol=1e-6)


def test_repeated_fits_are_identical():
    one, other = Repurchase().fit(habit()), Repurchase().fit(habit())

    assert one.coefficients == other.coefficients
    np.testing.assert_array_equal(one.constant, other.constant)


def test_demand_changes_the_model_unless_disabled():
    data = habit()
    more = Repurchase(demand_days=7.0).fit(data)

    assert not np.array_equal(more.constant, Repurchase(demand_days=0.0).fit(data).constant)


def test_blend_uses_the_half_life_of_the_better_part():
    data = habit()
    tuned = {"buy_again": BuyAgain(half_life_days=math.inf).fit(data), "repurchase": Repurchase().fit(data)}
    requested: list[float] = []

    def histories(days):
        requested.append(days)
        return aged((1, 30), (2, 20))

    worse_is_buy_again = judge_by(histories, lambda scores: float(scores.max() <= 1) - scores[0, 2])
    worse_is_repurchase = judge_by(histories, lambda scores: float(scores[0, 2]))

    for worse, days in ((worse_is_buy_again, 120.0), (worse_is_repurchase, math.inf)):
        blend = Blend().search(tuned, worse)
        assert blend.half_life_days == requested[-1] == days
        assert {part.half_life_days for part in blend.components()} == {days}


def test_blend_keeps_settings_that_would_need_another_fit(monkeypatch):
    data = habit()
    monkeypatch.setattr(Popularity, "inference_parameters", frozenset[str]())
    tuned: dict[str, Model] = {"popularity": Popularity().fit(data), "repurchase": Repurchase().fit(data)}
    both = judge_by(lambda days: aged((1, 30), (2, 20)), lambda scores: float(scores[0, 1] + scores[0, 3]))

    blend = Blend().search(tuned, both)

    assert blend.half_life_days == 120.0
    assert [part.half_life_days for part in blend.components() if isinstance(part, Popularity)] == [math.inf]
