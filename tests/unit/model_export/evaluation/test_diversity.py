import numpy as np
import pytest
import scipy.sparse as sp

from model_export.evaluation.diversity import Kinds, ProductLists, kinds, product_list

FIGS = [
    {"title": "Fig", "category": "fruit"},
    {"title": "fig ", "category": "fruit"},
    {"title": "Fig", "category": "jam"},
]


def test_item_types_are_numbered_in_the_order_of_the_part() -> None:
    of_items = kinds([*FIGS, {}], np.array([3, 1, 2, 4]), variants="title")

    assert of_items.products.tolist() == [0, 1, 2, 2, 3]
    assert of_items.categories.tolist() == [0, 1, 2, 2, 0]


def test_items_without_variants_are_separate_products() -> None:
    assert kinds(FIGS, np.array([1, 2, 3]), variants=None).products.tolist() == [0, 1, 2, 3]


def test_product_list_has_one_variant_per_product_with_metrics() -> None:
    content = sp.csr_array(np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.float32))
    lists = ProductLists(Kinds(np.array([0, 1, 1, 2]), np.array([0, 5, 5, 6])), content, k=2)

    lists.add(np.array([-np.inf, 0.9, 0.8, 0.7], np.float32), np.array([2, 3]))

    found = lists.diversity()  # The list is 1, 3. The second of two targets has rank 2.
    assert found.ndcg == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert found.category_entropy == 1.0
    assert found.intra_list_distance == 1.0


def test_variants_fill_the_list_if_products_are_too_few() -> None:
    scores, products = np.array([-np.inf, 0.9, 0.8, 0.7], np.float32), np.array([0, 1, 1, 1])

    assert product_list(scores, np.array([3]), products, k=3).tolist() == [1, 2, 3]


def test_target_is_ranked_last_among_equal_scores() -> None:
    scores = np.array([-np.inf, 0.5, 0.5, 0.5], np.float32)

    assert product_list(scores, np.array([1]), np.arange(4), k=2).tolist() == [2, 3]
