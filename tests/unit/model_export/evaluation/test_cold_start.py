"""Evaluation of items without interactions, computed by hand; see `cold_shops`."""

import math

import numpy as np
import pytest

from alsolike.snapshot.content_index import Scales
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.evaluation import cold_trial
from model_export.evaluation.cold_start import DEFAULT_SCALES, SCALES, choose_scales, judge, measure
from model_export.evaluation.cold_trial import unknown
from model_export.evaluation.fit_cache import Fits
from tests.builders.sentence_model import sentence_model
from tests.unit.model_export.cold_shops import COLOURS, ONE, cold, days, leave_one_out, measured, popular, scales

TITLES = [{"title": title} for title in ("sofa", "lamp", "desk", "couch", "divan")]


def test_items_without_training_interactions_are_unknown():
    part = leave_one_out([1, 1, 4], [2, 1, 1], [3, 1, 1]).test

    names = np.concatenate([[0], part.order])
    assert sorted(names[unknown(part)].tolist()) == [4, 5]


def test_new_item_is_ranked_by_similar_items():
    """Items 1, 2 and 3 score 1, 1/2 and 1/2. At scale 1, item 4 scores (1 + 1/2) / 2, so it has the second rank."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])

    found = measured(split, COLOURS)

    second = 1 / math.log2(3)
    assert (found.items, found.others, found.users) == (2, 0, 2)
    assert (found.without.every_item, found.without.new_items) == ((0 + 0 + 1 + 1) / 4, 0)
    assert found.with_.new_items == pytest.approx(second)
    assert found.with_.every_item == pytest.approx((second + second + 1 + 1) / 4)


def test_new_item_is_ranked_by_the_meaning_of_its_title(tmp_path):
    """Item 4, the couch, has the same score as item 1, the sofa. On ties, the item of the model precedes."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])

    found = measured(split, TITLES, sentences=sentence_model(tmp_path, TITLES))

    assert found.with_.new_items == pytest.approx(1 / math.log2(3))
    assert measured(split, TITLES).with_.new_items == 0


def test_sentence_model_and_words_have_separate_scales(tmp_path):
    """A larger scale is always better, because the validation's target is item 4.

    By its words, item 4 resembles no item.
    """
    split = leave_one_out([1, 4, 4], [1, 4, 4], [2, 4, 1], [3, 4, 1])
    popularity = Popularity(trend_half_life_days=np.inf)

    def judged(sentences):
        return judge(popularity, split, cold(split, TITLES, sentences=sentences), fits=Fits(), k=3, seen="allowed")

    found, without = judged(sentence_model(tmp_path, TITLES)), judged(None)

    assert found.with_.scales == Scales(new=SCALES[-1], rare=SCALES[-1])
    assert found.by_words_alone == without.with_
    assert without.with_.scales == DEFAULT_SCALES
    assert without.by_words_alone is None


def test_new_items_in_the_history_are_masked():
    """All users interacted with item 4 before the test, but the test's model does not contain it."""
    split = leave_one_out([1, 4, 2], [1, 4, 2], [2, 4, 3], [3, 4, 2])

    found = measure(popular(split), split, cold(split, COLOURS).test, scales=Scales(6.0, 6.0), k=3, seen="masked")

    assert found.with_.every_item == found.without.every_item > 0


def test_rare_items_have_a_separate_scale():
    """Items 1, 2 and 3 score 1, 1/2 and 1/2. Item 4 and the rare item score 3/4 of their scales."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1], items=4)
    second, third = 1 / math.log2(3), 1 / math.log2(4)

    for rare, place in ((0.5, second), (2.0, third)):
        found = measured(split, COLOURS[:4], COLOURS[3:4], scales=Scales(new=1.0, rare=rare))
        assert found.with_.new_items == pytest.approx(place)


def test_rare_items_have_the_neighbours_of_the_validation_part():
    """In the test, items 2, 1, 3 and 4 score 1, 2/7, 2/7 and 1/7. The validation does not know item 4.

    The rare item resembles items 1 and 3, so it scores 2/7 of its scale.
    """
    split = days([1, 2, 1], [3, 2, 1], [1, 2, 1], [3, 2, 1], [2, 2, 1], [2, 4, 1], items=4)
    red, blue = {"colour": "red"}, {"colour": "blue"}

    for rare, place in ((0.9, 1 / math.log2(4)), (1.1, 1 / math.log2(5))):
        found = measured(split, [red, blue, red, red], [red], scales=Scales(new=1.0, rare=rare), k=4)
        assert found.with_.every_item == pytest.approx(place)


def test_evaluated_scale_comes_from_the_validation_part():
    """Items 1, 2 and 3 score 1, 1/2 and 1/2, and the rare item 3/4 of the scale.

    With the test's training data, it would score 7/12.
    """
    split = days([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1])
    popularity, rare = Popularity(trend_half_life_days=np.inf), COLOURS[3:4]

    found = judge(popularity, split, cold(split, COLOURS[:3], rare), fits=Fits(), k=3, seen="allowed")

    assert found.with_.scales.rare == 1.0
    assert scales(split, COLOURS[:3], rare).rare == 1.5


def test_rare_items_are_included_with_words_alone(tmp_path):
    """By its words, the rare item is equally similar to items 1 and 2.

    By its embedding, it is more similar to item 1.
    """
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    titles = [{"title": title} for title in ("grey sofa", "grey lamp", "desk", "grey couch")]

    found = judge(
        Popularity(trend_half_life_days=np.inf),
        split,
        cold(split, titles[:3], titles[3:], sentence_model(tmp_path, titles)),
        fits=Fits(),
        k=3,
        seen="allowed",
    )

    assert found.by_words_alone.scales.rare == 1.0


def test_long_list_metric_covers_more_positions_than_k():
    """Item 1 scores 1, and items 2 to 13 score 1/2.

    Item 14 scores 3/4 at a scale of 1, and moves item 13 from rank 13 to 14.
    """
    split = leave_one_out([1, 1, 1], [1, 13, 13], *([item, 13, 13] for item in range(2, 14)), items=14)
    colours = [*COLOURS[:2], *[{"colour": "blue"}] * 11, {"colour": "red"}]

    found = measured(split, colours, k=1)

    assert found.without.every_item == found.with_.every_item == 1 / 14
    assert found.without.every_item_long == pytest.approx((1 + 13 / math.log2(14)) / 14)
    assert found.with_.every_item_long == pytest.approx((1 + 13 / math.log2(15)) / 14)
    assert choose_scales(popular(split), split, cold(split, colours).validation, k=1, seen="allowed").new == 0.5


def test_items_below_the_listed_ones_do_not_support_new_items(monkeypatch):
    """Only item 1 supports item 4, which scores 1/2 and ties with items 2 and 3.

    On ties, the target has the worst rank.
    """
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])
    monkeypatch.setattr(cold_trial, "LISTED", 1)

    found = measured(split, COLOURS, k=4)

    assert found.with_.new_items == pytest.approx(1 / math.log2(5))


def test_unknown_items_scored_by_the_model_are_not_in_lists():
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])
    everything = PopularityModel(
        settings=Popularity(trend_half_life_days=np.inf), items=5, share=np.array([0, 1, 1, 1, 9, 9], np.float32)
    )

    found = measure(everything, split, cold(split, COLOURS).test, scales=ONE, k=3, seen="allowed")

    assert found.without.new_items == 0
