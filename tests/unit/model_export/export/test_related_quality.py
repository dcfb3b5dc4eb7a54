import dataclasses

import numpy as np
import pytest

from alsolike.bundle.related import SIMILAR, TOGETHER
from alsolike.declarations.times import DAY_MS
from model_export.data.interactions import Interactions
from model_export.export import related_quality
from model_export.export.related_quality import RelatedFigures, measure, next_items, rest_of_baskets
from tests.unit.model_export.shops import interactions

LAST_DAY = 9 * DAY_MS


def days(*rows, items=6):
    """Return interactions from tuples of user, item and day. The items of a user and day are one basket."""
    user, item, day = np.array(rows, np.int64).T
    weight = np.ones(len(rows), np.float32)
    return Interactions.from_rows(user=user, item=item, time_ms=day * DAY_MS, weight=weight, users=9, items=items)


def judged(data, *, k=1):
    return measure(data, event_weights={"purchase": 1.0}, after_ms=LAST_DAY - 1, until_ms=LAST_DAY, k=k, seed=0)


def test_next_item_queries_require_a_different_item():
    questions = next_items(days((0, 1, 9), (0, 1, 9), (0, 2, 9), (0, 2, 9), (1, 3, 9), (1, 1, 9)))

    assert questions.items.tolist() == [1, 3]
    assert questions.targets.tolist() == [2, 1]


def test_basket_queries_have_the_other_items_as_targets():
    questions = rest_of_baskets(days((0, 1, 8), (0, 2, 8), (0, 2, 8), (0, 3, 8), (0, 4, 9), (1, 5, 9), (1, 6, 9)))

    assert questions.items.tolist() == [1, 2, 3, 5, 6]
    assert np.split(questions.targets, questions.offsets[1:-1])[0].tolist() == [2, 3]
    assert [each.tolist() for each in np.split(questions.targets, questions.offsets[1:-1])] == [
        [2, 3], [1, 3], [1, 2], [6], [5],
    ]  # fmt: skip


def test_metrics_use_interactions_before_the_window():
    # Before the window, 1 with 2 and 3 with 4 were bought twice, and 5 most often. In the window, 1 with 2 and 3 with 5
    # were bought. Later purchases of 3 with 5 do not count.
    before = [(user, item, 0) for user, pair in enumerate([(1, 2), (1, 2), (3, 4), (3, 4)]) for item in pair]
    often = [(user, 5, 1) for user in range(4, 9)]
    window = [(4, 1, 9), (4, 2, 9), (5, 3, 9), (5, 5, 9)]
    later = [(user, item, 10) for user in (6, 7, 8) for item in (3, 5)]

    found = judged(days(*before, *often, *window, *later))

    # The queries are 1 (target 2, a hit) and 3 (target 5, but the list has 4). The most frequent item 5 is a hit for 3.
    assert found[SIMILAR] == RelatedFigures(asked=2, hr=1 / 2, popular_hr=1 / 2)
    # The queries are 1 and 2 (hits), 3 (a miss with 4) and 5 (no list). The popular item 5 is a hit for 3. For 5, item
    # 1 comes first.
    assert found[TOGETHER] == RelatedFigures(asked=4, hr=2 / 4, popular_hr=1 / 4)


def test_more_related_items_have_a_higher_hit_rate():
    before = [(user, item, 0) for user in range(3) for item in (1, 2)] + [(3, 1, 0), (3, 3, 0)]
    data = days(*before, (4, 1, 9), (4, 3, 9))

    assert [judged(data, k=k)[SIMILAR].hr for k in (1, 2)] == [0, 1]
    assert [judged(data, k=k)[TOGETHER].hr for k in (1, 2)] == [1 / 2, 1]


def test_empty_window_has_no_queries():
    found = judged(interactions([[1, 2, 3], [1, 2]]))

    assert found == {SIMILAR: RelatedFigures(0, 0.0, 0.0), TOGETHER: RelatedFigures(0, 0.0, 0.0)}


def test_metrics_without_earlier_interactions_are_zero():
    assert judged(days((0, 1, 9), (0, 2, 9)))[SIMILAR] == RelatedFigures(asked=1, hr=0, popular_hr=1)


def test_large_windows_are_sampled_evenly(monkeypatch):
    monkeypatch.setattr(related_quality, "MAX_QUERIES", 3)
    data = interactions([[1, 2, 3, 4, 5, 6, 7, 8, 9]], step_ms=0)

    assert next_items(data).items.tolist() == [1, 4, 8]
    assert len(rest_of_baskets(data)) == 3


@pytest.mark.parametrize("k", [10, 200])
def test_list_length_above_the_number_of_items_is_accepted(k):
    data = dataclasses.replace(
        interactions([[1, 2, 3]] * 3, step_ms=0), time_ms=np.array([0, 0, 0] * 2 + [LAST_DAY] * 3)
    )

    assert judged(data, k=k)[TOGETHER] == RelatedFigures(asked=3, hr=1.0, popular_hr=1.0)
