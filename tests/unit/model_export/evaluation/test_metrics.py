import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model_export.algorithms.popularity import Popularity
from model_export.data.top_n import best_items
from model_export.evaluation import metrics, splits
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.diversity import Kinds, ProductLists, kinds, product_list
from model_export.evaluation.segments import categories, sliced
from tests.unit.model_export.shops import interactions

SCORES = hnp.arrays(np.float32, st.integers(1, 300), elements=st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 1.0, 2.0]))


def by_hand(scores, targets, k):
    """Return hits by rank. On ties, targets come last, and masked items are skipped."""
    order = sorted(
        (column for column in range(len(scores)) if scores[column] > -np.inf),
        key=lambda column: (-scores[column], column in targets),
    )
    hits = [column in targets for column in order[:k]]
    return hits + [False] * (k - len(hits))


@given(scores=SCORES, data=st.data(), k=st.integers(1, 12))
def test_target_ranks_equal_those_of_sorting(scores, data, k):
    targets = data.draw(st.sets(st.integers(0, len(scores) - 1), min_size=1, max_size=20))

    hits = metrics.rank_targets(scores, np.array(sorted(targets)), k)

    assert hits.tolist() == by_hand(scores, targets, k)


@given(scores=SCORES, k=st.integers(1, 12))
def test_best_items_equal_the_start_of_a_stable_sort(scores, k):
    order = [column for column in np.argsort(-scores, kind="stable").tolist() if scores[column] > -np.inf]

    assert sorted(best_items(scores, k).tolist()) == sorted(order[:k])


def test_ndcg_equals_discounted_gain_over_ideal_gain():
    hits = np.array([[True, False, True], [False, False, True]])

    ndcg = metrics.ndcg(hits, np.array([2, 5]))

    gain_1 = 1 / math.log2(2) + 1 / math.log2(4)
    gain_2 = 1 / math.log2(4)
    ideal_1 = 1 / math.log2(2) + 1 / math.log2(3)
    ideal_2 = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg == pytest.approx(1 / 2 * (gain_1 / ideal_1 + gain_2 / ideal_2))


def test_mrr_is_the_mean_reciprocal_rank_of_the_first_hit():
    hits = np.array([[False, True, True], [True, False, False], [False, False, False]])

    assert metrics.mrr(hits) == pytest.approx(1 / 3 * (1 / 2 + 1 / 1 + 0))


def test_hit_rate_counts_a_user_once():
    hits = np.array([[True, True], [False, True], [False, False]])

    assert metrics.hit_rate(hits) == pytest.approx(2 / 3)


def test_metrics_without_users_are_zero():
    none = np.zeros((0, 10), np.bool_)

    assert (metrics.hit_rate(none), metrics.ndcg(none, np.zeros(0, np.int64)), metrics.mrr(none)) == (0, 0, 0)


def test_interval_is_about_two_standard_errors_wide_on_each_side():
    differences = np.random.default_rng(1).normal(0.3, 2.0, 400)

    low, high = interval(differences)

    error = differences.std() / 20
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.3 * error)
    assert interval(differences) == (low, high)


@pytest.mark.parametrize(
    ("differences", "expected"), [([], (-np.inf, np.inf)), ([0.7], (-np.inf, np.inf)), ([0.0, 0.0], (0.0, 0.0))]
)
def test_interval_of_one_user_is_infinite_and_of_equal_users_exact(differences, expected):
    assert interval(np.array(differences)) == expected


FIGS = [
    {"title": "Fig", "category": "fruit"},
    {"title": "fig ", "category": "fruit"},
    {"title": "Fig", "category": "jam"},
]


def test_item_types_are_numbered_in_the_order_of_the_part():
    item_kinds = kinds([*FIGS, {}], np.array([3, 1, 2, 4]), variants="title")

    assert item_kinds.products.tolist() == [0, 1, 2, 2, 3]
    assert item_kinds.categories.tolist() == [0, 1, 2, 2, 0]


def test_items_without_variants_are_separate_products():
    assert kinds(FIGS, np.array([1, 2, 3]), variants=None).products.tolist() == [0, 1, 2, 3]


def test_product_list_has_one_variant_per_product_with_metrics():
    content = sp.csr_array(np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.float32))
    lists = ProductLists(Kinds(np.array([0, 1, 1, 2]), np.array([0, 5, 5, 6])), content, k=2)

    lists.add(np.array([-np.inf, 0.9, 0.8, 0.7], np.float32), np.array([2, 3]))

    found = lists.diversity()  # The list is 1, 3. The second of two targets has rank 2.
    assert found.ndcg == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert found.category_entropy == 1.0
    assert found.intra_list_distance == 1.0


def test_variants_fill_the_list_if_products_are_too_few():
    scores, products = np.array([-np.inf, 0.9, 0.8, 0.7], np.float32), np.array([0, 1, 1, 1])

    assert product_list(scores, np.array([3]), products, k=3).tolist() == [1, 2, 3]


def test_target_is_ranked_last_among_equal_scores():
    scores = np.array([-np.inf, 0.5, 0.5, 0.5], np.float32)

    assert product_list(scores, np.array([1]), np.arange(4), k=2).tolist() == [2, 3]


def test_metrics_are_computed_per_user_item_and_category_slice():
    # The training data contains each user's item 1. The test targets are 1, 2 and 4. Items 2 and 4 have no interactions
    # in training.
    data = interactions([[1, 2, 1], [1, 3, 2], [1, 3, 4]], items=6)
    part = splits.leave_one_out(data).test
    names = ["red", "blue", None, "red", None, None]
    model = Popularity(trend_half_life_days=np.inf).fit(part.fit)

    found = sliced(model, part, k=3, seen="allowed", categories=[names[item - 1] for item in part.order])

    assert found["users with 2 to 5 interactions"]["users"] == 3
    assert found["items without interactions"] == {"ndcg": 0.0, "users": 2}
    assert found["category red"] == {"ndcg": 0.5, "users": 2}  # Item 1 has the first rank, and item 4 none.
    assert found["category blue"]["users"] == 1
    assert "users with one interaction" not in found


def test_tail_items_are_those_below_the_most_frequent_fifth():
    data = interactions([[1, 2, 1, 3, 2], [1, 4, 1, 3, 1], [1, 5, 1, 2, 3]], items=5)
    part = splits.leave_one_out(data).test
    model = Popularity(trend_half_life_days=np.inf).fit(part.fit)

    found = sliced(model, part, k=1, seen="allowed", categories=[None] * 5)

    # The tail item is 2. Item 1 is in the head, and item 3 is not in the model.
    assert found["tail items"]["users"] == 1
    assert found["items without interactions"]["users"] == 1


def test_category_is_its_column_or_the_string_column_with_fewest_values():
    items = [{"brand": f"b{n % 3}", "title": f"t{n}", "price": n, "kind": f"k{n % 2}"} for n in range(40)]

    assert categories(items) == [f"k{n % 2}" for n in range(40)]
    with_category = [{**columns, "categoryL1": f"c{n % 4}|x"} for n, columns in enumerate(items)]
    assert categories(with_category) == [f"c{n % 4}" for n in range(40)]


def test_items_without_a_category_column_have_none():
    assert categories([{"title": "a"}, {"title": "b"}, {}]) == [None, None, None]
    assert categories([]) == []
