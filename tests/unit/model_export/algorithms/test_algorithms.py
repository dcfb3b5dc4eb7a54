import dataclasses
import math
import pkgutil

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from model_export import algorithms
from model_export.algorithms.blend import Blend
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.ease import Ease
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.slist import Slist
from model_export.algorithms.transitions import Transitions
from tests.unit.model_export.shops import checkerboard, history, interactions

PLAIN = Transitions(gap_decay=0.5, max_gap=2, backward=0.0, source_power=0.0, position_decay=1.0)


EVERY = tuple(algorithms.known())


def test_every_module_is_an_algorithm():
    modules = {module.name for module in pkgutil.iter_modules(algorithms.__path__)}

    assert modules - {"building_blocks"} == set(EVERY)


def test_unknown_algorithm_error_lists_the_known_ones():
    with pytest.raises(InvalidInput, match=f"unknown algorithm 'als'; known are {', '.join(EVERY)}"):
        algorithms.named("ease,als")


def test_popularity_halves_after_the_half_life():
    data = interactions([[1, 2], [3, 2], [1]], step_ms=DAY_MS)

    scores = Popularity(trend_half_life_days=1.0).fit(data).score(history(1))

    # Item 2 has two interactions of the last day. Item 1 has two of the day before, and item 3 has one.
    assert scores.tolist() == [[0, (2 * 0.5) / 2, 2 / 2, 0.5 / 2]]


@pytest.mark.parametrize(
    ("algorithm", "data", "past", "scores"),
    [
        # From item 1, item 2 has gap 1 and item 3 has gap 2. Item 4 is out of reach.
        pytest.param(PLAIN, interactions([[1, 2, 3, 4]]), 1, [0, 0, 1, 0.5, 0], id="gap"),
        pytest.param(PLAIN, interactions([[1, 2], [3, 4]]), 2, [0, 0, 0, 0, 0], id="other user"),
        pytest.param(
            dataclasses.replace(PLAIN, backward=0.25), interactions([[1, 2, 3]]), 3, [0, 0.25 * 0.5, 0.25 * 1, 0],
            id="backward",
        ),
        pytest.param(PLAIN, interactions([[1, 2]], weight=5.0), 1, [0, 0, 5], id="weight of the later event"),
        # The row of item 1 is 2 for item 2 and 2 * 0.5 for item 3. Its sum is 3.
        pytest.param(
            dataclasses.replace(PLAIN, source_power=0.5), interactions([[1, 2, 3], [1, 2, 3]]), 1,
            [0, 0, 2 / math.sqrt(3), 1 / math.sqrt(3)], id="power of the row sum",
        ),
        pytest.param(PLAIN, interactions([[1, 1]]), 1, [0, 0], id="no repeats"),
        pytest.param(dataclasses.replace(PLAIN, repeats=True), interactions([[1, 1]]), 1, [0, 1], id="repeats"),
        pytest.param(dataclasses.replace(PLAIN, targets=1), interactions([[1, 2, 3]]), 1, [0, 0, 1, 0], id="targets"),
        # Three users have item 1, and two of them also have item 2: B[1, 2] = 2 / (3 + ridge), B[2, 1] = 2 / (2 +
        # ridge).
        pytest.param(Ease(ridge=1.0), interactions([[1, 2], [1, 2], [1]]), 1, [0, 0, 2 / (3 + 1)], id="ridge"),
        pytest.param(Ease(ridge=1.0), interactions([[1, 2], [1, 2], [1]]), 2, [0, 2 / (2 + 1), 0], id="reverse ridge"),
        # All three users have item 1 and two have item 2, so the value is 2 / (sqrt(3) * sqrt(2) + shrink).
        pytest.param(
            ItemKnn(shrink=1.0), interactions([[1, 2], [1, 2, 2], [1]]), 1, [0, 0, 2 / (math.sqrt(6) + 1)],
            id="shrunk cosine",
        ),
        pytest.param(
            ItemKnn(shrink=0.0, target_power=0.9), interactions([[1, 2], [1, 2], [1]]), 1,
            [0, 0, 2 / (3**0.1 * 2**0.9)], id="target power",
        ),
        # One session contains items 1 and 2, and the other one items 3 and 4.
        pytest.param(
            ItemKnn(shrink=0.0, session=2), interactions([[1, 2, 3, 4]]), 4, [0, 0, 0, 1, 0], id="sessions"
        ),
        pytest.param(Slist(together=0.2), interactions([[1], [2]]), 1, [0, 0, 0], id="users with one interaction"),
    ],
)  # fmt: skip
def test_scores_after_an_item_equal_the_formula(algorithm, data, past, scores):
    np.testing.assert_allclose(algorithm.fit(data).score(history(past)), [scores], rtol=1e-6)


def test_transitions_decay_by_history_position_without_padding():
    model = dataclasses.replace(PLAIN, position_decay=0.1).fit(interactions([[1, 4], [2, 5]]))

    expected = [[0, 0, 0, 0, 0.1, 1.0]]
    np.testing.assert_allclose(model.score(history(1, 2)), expected, rtol=1e-6)
    np.testing.assert_allclose(model.score(history(0, 1, 0, 2, 0)), expected, rtol=1e-6)


@pytest.mark.parametrize("max_pairs", [0, 1_000_000])
@pytest.mark.parametrize("users", [1, 12, 29, 30, 31, 80])
@pytest.mark.parametrize("ridge", [1.0, 10.0, 300.0])
def test_ease_equals_the_dense_inverse(users, ridge, max_pairs):
    """If there are fewer users than items, the Woodbury identity must give the same result."""
    rng = np.random.default_rng(users)
    X = (rng.random((users, 30)) < 0.2).astype(np.float64)  # noqa: N806  the paper's symbol
    X[0] = 1  # Every item occurs, together with every other item.
    data = interactions([(np.flatnonzero(row) + 1).tolist() for row in X])
    P = np.linalg.inv(X.T @ X + ridge * np.eye(30))  # noqa: N806
    B = np.maximum(-P / np.diag(P), 0) * (1 - np.eye(30))  # noqa: N806
    model = Ease(ridge=ridge, max_pairs=max_pairs, sources=29).fit(data)

    scores = np.concatenate([model.score(history(item)) for item in range(1, 31)])

    np.testing.assert_allclose(scores[:, 1:], B, rtol=1e-3, atol=1e-6)


def test_ease_omits_rare_items_above_the_item_limit():
    data = interactions([[1, 2], [1, 2], [1, 3]])

    model = Ease(max_items=2, ridge=1.0, max_pairs=0).fit(data)

    assert model.score(history(1))[0, 3] == 0
    assert not model.score(history(3)).any()


def test_ease_keeps_every_item_if_pairs_are_few():
    model = Ease(max_items=2, ridge=1.0).fit(interactions([[1, 2], [1, 2], [1, 3]]))

    # B[1, 3] = 1 / (3 + 1), because item 1 is the only source of item 3. Sources of item 1 are items 3 and 2. Item 3
    # has B[3, 1] = 1 / (1 + 1), and item 2 is solved jointly: [[2 + 1, 0], [0, 1 + 1]] b = [2, 1].
    np.testing.assert_allclose(model.score(history(1))[0, 3], 1 / 4, rtol=1e-6)
    np.testing.assert_allclose(model.score(history(3))[0, 1], 1 / 2, rtol=1e-6)
    np.testing.assert_allclose(model.score(history(2))[0, 1], 2 / 3, rtol=1e-6)


def test_ease_with_one_source_regresses_on_the_strongest():
    # Similarities to item 3: item 1 (twice together, 4 users) has 2 / sqrt(4 + 1) = 0.89, and item 2 (once together, 1
    # user) has 1 / sqrt(1 + 1) = 0.71.
    data = interactions([[1, 3], [1, 3], [1], [1], [2, 3]])

    model = Ease(ridge=1.0, sources=1).fit(data)

    np.testing.assert_allclose(model.score(history(1))[0, 3], 2 / (4 + 1), rtol=1e-6)
    assert model.score(history(2))[0, 3] == 0


@pytest.mark.parametrize(
    "algorithm", [Transitions(max_gap=20), Ease(ridge=1.0), ItemKnn()], ids=lambda algorithm: algorithm.name
)
def test_algorithm_predicts_the_withheld_item_of_a_checkerboard(algorithm):
    size = 20
    board = checkerboard(size)
    model = dataclasses.replace(algorithm, position_decay=1.0).fit(interactions(board, items=size))

    for user, had in enumerate(board, start=1):
        scores = model.score(history(*had))[0]
        scores[[0, *had]] = -np.inf

        assert int(scores.argmax()) == user


def test_blend_adds_weighted_score_shares():
    data = interactions([[1, 2], [3, 2], [3, 2]])
    parts = ((BuyAgain(), 1.0), (Popularity(trend_half_life_days=math.inf), 0.5))

    model = Blend(parts=parts).fit(data)

    own = np.array([0, 1 / 4, 0, 3 / 4])
    popular = np.array([0, 1 / 6, 3 / 6, 2 / 6])
    scores = model.score(history(1, 3, weights=[1, 3]))
    np.testing.assert_allclose(scores, [own + 0.5 * popular], rtol=1e-6)


def test_blend_without_parts_cannot_be_fitted():
    with pytest.raises(ValueError, match="no parts"):
        Blend().fit(interactions([[1, 2]]))


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("blend", "distilled", "sasrec")])
def test_parameter_grid_starts_with_the_default_and_has_no_duplicates(name):
    algorithm = algorithms.known()[name]

    grid = algorithm.param_grid()

    assert grid[0] == algorithm
    assert len(set(grid)) == len(grid) > 1


def test_slist_combines_cooccurrence_and_next_item_regression():
    # Two users have the sequence 1, 2. Together: X'X = [[2, 2], [2, 2]]. Next: S'T = [[0, 2], [0, 0]], S'S = [[2, 0],
    # [0, 0]]. With A = 0.25 X'X + 0.75 S'S and R = 0.25 X'X + 0.75 S'T, B[1, 2] = R[1, 2] / (A[1, 1] + ridge), and vice
    # versa.
    model = Slist(together=0.25, ridge=1.0).fit(interactions([[1, 2], [1, 2]]))

    np.testing.assert_allclose(model.score(history(1)), [[0, 0, (0.5 + 1.5) / (0.5 + 1.5 + 1)]], rtol=1e-6)
    np.testing.assert_allclose(model.score(history(2)), [[0, 0.5 / (0.5 + 1), 0]], rtol=1e-6)


def test_slist_decays_with_the_gap():
    # Item 2 precedes item 3 directly, with weight 1. Item 1 precedes item 3 by two steps, with weight 0.5. The ridge
    # dominates all other terms, so a score is the weight divided by the ridge.
    model = Slist(together=0.0, gap_decay=0.5, ridge=1e6).fit(interactions([[1, 2, 3]]))

    scores = model.score(history(1))[0], model.score(history(2))[0]

    np.testing.assert_allclose([1e6 * scores[0][3], 1e6 * scores[1][3]], [0.5, 1.0], rtol=1e-4)
