import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model_export.data.interactions import Floats
from model_export.data.top_n import best_items
from model_export.evaluation import metrics

SCORES = hnp.arrays(np.float32, st.integers(1, 300), elements=st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 1.0, 2.0]))


def by_hand(scores: Floats, targets: set[int], k: int) -> list[bool]:
    """Return hits of items sorted by score. On ties, targets come last, and masked items are skipped."""
    order = sorted(
        (column for column in range(len(scores)) if scores[column] > -np.inf),
        key=lambda column: (-scores[column], column in targets),
    )
    hits = [column in targets for column in order[:k]]
    return hits + [False] * (k - len(hits))


@given(scores=SCORES, data=st.data(), k=st.integers(1, 12))
def test_target_ranks_equal_those_of_sorting(scores: Floats, data: st.DataObject, k: int) -> None:
    targets = data.draw(st.sets(st.integers(0, len(scores) - 1), min_size=1, max_size=20))

    hits = metrics.rank_targets(scores, np.array(sorted(targets)), k)

    assert hits.tolist() == by_hand(scores, targets, k)


@given(scores=SCORES, k=st.integers(1, 12))
def test_best_items_equal_the_start_of_a_stable_sort(scores: Floats, k: int) -> None:
    order = [column for column in np.argsort(-scores, kind="stable").tolist() if scores[column] > -np.inf]

    assert sorted(best_items(scores, k).tolist()) == sorted(order[:k])


def test_equal_scores_give_no_hits() -> None:
    hits = metrics.rank_targets(np.zeros(50, np.float32), np.array([3]), 10)

    assert not hits.any()


def test_ndcg_equals_discounted_gain_over_ideal_gain() -> None:
    hits = np.array([[True, False, True], [False, False, True]])

    ndcg = metrics.ndcg(hits, np.array([2, 5]))

    gain_1 = 1 / math.log2(2) + 1 / math.log2(4)
    gain_2 = 1 / math.log2(4)
    ideal_1 = 1 / math.log2(2) + 1 / math.log2(3)
    ideal_2 = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg == pytest.approx(1 / 2 * (gain_1 / ideal_1 + gain_2 / ideal_2))


def test_mrr_is_the_mean_reciprocal_rank_of_the_first_hit() -> None:
    hits = np.array([[False, True, True], [True, False, False], [False, False, False]])

    assert metrics.mrr(hits) == pytest.approx(1 / 3 * (1 / 2 + 1 / 1 + 0))


def test_hit_rate_counts_a_user_once() -> None:
    hits = np.array([[True, True], [False, True], [False, False]])

    assert metrics.hit_rate(hits) == pytest.approx(2 / 3)


def test_metrics_without_users_are_zero() -> None:
    none = np.zeros((0, 10), np.bool_)

    assert (metrics.hit_rate(none), metrics.ndcg(none, np.zeros(0, np.int64)), metrics.mrr(none)) == (0, 0, 0)
