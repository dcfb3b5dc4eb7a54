import math

import numpy as np
import pytest

from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS
from model_export.data.interactions import Histories, Interactions, distinct
from tests.unit.model_export.shops import interactions

NO_DECAY = HistoryParameters(length=3, half_life_days=float("inf"), event_weights={})


def rows(user, item, time_ms, weight):
    u, i, t, w = (np.array(column) for column in (user, item, time_ms, weight))
    return Interactions.from_rows(user=u, item=i, time_ms=t, weight=w, users=2, items=9)


def test_rows_are_sorted_by_user_and_time_with_stable_ties():
    data = rows([1, 0, 0, 0], [4, 3, 2, 1], [5, 7, 7, 6], [1, 1, 1, 1])

    assert data.user.tolist() == [0, 0, 0, 1]
    assert data.item.tolist() == [1, 3, 2, 4]


@pytest.mark.parametrize(
    ("user", "item", "weight", "message"),
    [
        ([2], [1], [1.0], "expected 0..1"),
        ([0], [0], [1.0], "expected 1..9"),
        ([0], [10], [1.0], "expected 1..9"),
        ([0], [1], [0.0], "row 0 weighs 0.0, expected a finite number above 0"),
        ([0], [1], [-1.5], "row 0 weighs -1.5, expected a finite number above 0"),
        ([0], [1], [math.nan], "row 0 weighs nan, expected a finite number above 0"),
        ([0], [1], [math.inf], "row 0 weighs inf, expected a finite number above 0"),
        ([0, 1], [1], [1.0], "expected one length"),
    ],
)
def test_values_out_of_range_are_refused(user, item, weight, message):
    with pytest.raises(ValueError, match=message):
        rows(user, item, [1], weight)


def test_user_batches_cover_all_users_in_order():
    data = interactions([[1, 2], [], [3], [4, 5, 6, 7], [8], []])

    parts = [part.item.tolist() for part in data.by_users(maximum=3)]

    assert parts == [[1, 2, 3], [4, 5, 6, 7], [8]]


def test_history_keeps_the_latest_rows_padded_on_the_left():
    data = interactions([[1, 2, 3, 4, 5], [6, 7]])

    histories = data.histories(
        starts=np.array([0, 5]), ends=np.array([4, 7]), now_ms=np.array([9000, 9000]), parameters=NO_DECAY
    )

    assert histories.items.tolist() == [[2, 3, 4], [0, 6, 7]]
    assert histories.weights.tolist() == [[1, 1, 1], [0, 1, 1]]


def test_history_is_weighted_by_event_type_and_age():
    data = interactions([[1, 2]], weight=5.0, step_ms=DAY_MS)
    parameters = HistoryParameters(length=3, half_life_days=1.0, event_weights={})

    histories = data.histories(
        starts=np.array([0]), ends=np.array([2]), now_ms=np.array([2 * DAY_MS]), parameters=parameters
    )

    assert histories.weights.tolist() == [[0, 5 * 0.5**2, 5 * 0.5**1]]


def test_matrix_sums_decayed_weights_by_item_without_padding():
    histories = Histories(items=np.array([[7, 0, 8, 7]]), weights=np.array([[1.0, 99.0, 2.0, 4.0]], np.float32))

    matrix = histories.matrix(columns=9, position_decay=0.5).toarray()

    assert matrix.tolist() == [[0, 0, 0, 0, 0, 0, 0, 1 * 0.5**2 + 4 * 1, 2 * 0.5]]


@pytest.mark.parametrize(("keys", "once"), [([], []), ([0], [0]), ([7, 0, 3, 7, 0], [0, 3, 7])])
def test_distinct_keys_are_sorted(keys, once):
    assert distinct(np.array(keys, np.int64)).tolist() == once


def test_repeated_rows_are_counted():
    # User 0 has item 1 three times at time 5 and once at time 6, and item 2 at time 5. User 1 has item 1 at time 5.
    data = rows([0, 0, 1, 0, 0, 0], [1, 2, 1, 1, 1, 1], [5, 5, 5, 6, 5, 5], [1.0, 1.0, 1.0, 1.0, 1.0, 3.0])

    assert data.repeated() == 2
