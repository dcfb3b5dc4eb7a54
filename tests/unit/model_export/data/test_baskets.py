import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.data import baskets
from model_export.data.baskets import MAX_GAP_MS, basket_items, basket_numbers, purchases
from model_export.data.interactions import Interactions
from tests.unit.model_export.shops import interactions

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 6)), max_size=30)
"""Tuples of user, item and time in thirds of the maximum gap."""


def bought(*rows, items=5):
    """Return interactions from tuples of user, item and time in milliseconds."""
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return Interactions.from_rows(
        user=columns[0], item=columns[1], time_ms=columns[2], weight=np.full(len(rows), 5.0), users=4, items=items
    )


def sets_of(data, *, seed=0):
    matrix = basket_items(data, seed=seed)
    return [set(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].tolist()) for row in range(matrix.shape[0])]


def test_purchases_within_half_an_hour_are_one_basket():
    gap = MAX_GAP_MS
    data = bought((0, 1, 0), (0, 2, gap), (0, 3, 2 * gap), (0, 4, 3 * gap + 1), (1, 5, 3 * gap + 1))

    assert basket_numbers(data).tolist() == [0, 0, 0, 1, 2]
    assert sets_of(data) == [{1, 2, 3}, {4}, {5}]


def test_item_bought_twice_is_in_its_basket_once():
    assert basket_items(bought((0, 2, 7), (0, 1, 7), (0, 2, 7)), seed=0).toarray().tolist() == [[0, 1, 1, 0, 0, 0]]


def test_data_without_purchases_have_no_baskets():
    assert basket_items(bought(), seed=0).shape == (0, 6)


@settings(deadline=None)
@given(ROWS)
def test_baskets_equal_a_sequential_definition(rows):
    third = MAX_GAP_MS // 3
    expected: list[set[int]] = []
    before: tuple[int, int] | None = None
    for user, item, time in sorted(rows, key=lambda row: (row[0], row[2])):
        if before is None or user != before[0] or (time - before[1]) * third > MAX_GAP_MS:
            expected.append(set())
        expected[-1].add(item)
        before = user, time

    assert sets_of(bought(*((user, item, time * third) for user, item, time in rows))) == expected


@pytest.mark.parametrize(
    ("event_weights", "chosen"),
    [
        ({"view": 1.0, "purchase": 0.1, "rating": 5.0}, [2]),
        ({"view": 1.0, "rating": 5.0}, [3]),  # This type has the highest weight.
        ({"view": 1.0, "purchase": 7.0}, []),  # The data contains no purchases.
        ({}, []),
    ],
)
def test_events_with_the_purchase_weight_are_purchases(event_weights, chosen):
    data = dataclasses.replace(interactions([[1, 2, 3]]), weight=np.array([1.0, 0.1, 5.0], np.float32))

    assert purchases(data, event_weights).item.tolist() == chosen


def test_large_basket_is_split_evenly_and_reproducibly(monkeypatch):
    monkeypatch.setattr(baskets, "MAX_ITEMS", 3)
    data = bought(*((0, item, 0) for item in range(1, 9)), (1, 1, 0), (1, 2, 0), (1, 3, 0), items=8)

    dealt = sets_of(data)

    # The basket of eight items has three rows. The basket of three items is not split.
    assert [len(each) for each in dealt] == [3, 3, 2, 3]
    assert set.union(*dealt[:3]) == set(range(1, 9))
    assert dealt[3] == {1, 2, 3}
    assert dealt == sets_of(data)
    assert any(dealt != sets_of(data, seed=seed) for seed in range(1, 5))
