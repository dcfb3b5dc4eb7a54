"""Evaluation of items without interactions, and scales of their scores, computed by hand; see `cold_shops`."""

import math

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.content_index import Scales
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.evaluation import cold_start, cold_trial, splits
from model_export.evaluation.cold_start import (
    DEFAULT_SCALES,
    MAX_LONG_NDCG_LOSS,
    MAX_NDCG_LOSS,
    SCALES,
    choose_scales,
    judge,
    measure,
)
from model_export.evaluation.cold_trial import NONE, unknown
from model_export.evaluation.fit_cache import Fits
from tests.builders.sentence_model import sentence_model
from tests.unit.model_export.cold_shops import COLOURS, ONE, cold, days, leave_one_out, measured, popular, scale, scales
from tests.unit.model_export.shops import interactions

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


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        # Item 1, which scores 1, is the target of all users. Item 4 scores 3/4 of the scale, so it precedes item 1 from
        # a scale of 1.5 on.
        ([[1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1]], 1.0),
        # The new item is the target of all users.
        ([[1, 4, 1], [1, 4, 1], [2, 4, 1], [3, 4, 1]], SCALES[-1]),
        # Item 5 resembles no item, and is the target of all users.
        ([[1, 5, 1], [1, 5, 1], [2, 5, 1], [3, 5, 1]], DEFAULT_SCALES.new),
        # Items 1, 2 and 3 score 1, 1/20 and 1/20. Item 4 scores 21/400 at the smallest scale, and moves item 3 out of a
        # list of three.
        ([*[[1, 3, 1]] * 20, [2, 3, 1], [3, 3, 1]], SCALES[0]),
        # Items 1, 2 and 3 score 1, 1/4 and 1/4. Item 4 scores 5/8 of the scale, so at 1/2 it precedes item 3.
        ([*[[1, 3, 1]] * 4, [2, 3, 1], [3, 3, 1]], SCALES[1]),
    ],
    ids=["no loss", "wanted", "no target in a list", "loss at any scale", "one quarter"],
)
def test_scale_of_new_items_is_the_largest_within_the_loss_limit(sequences, expected):
    assert scale(leave_one_out(*sequences)) == expected


def test_scale_is_the_default_without_new_items():
    assert scale(leave_one_out([1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)) == DEFAULT_SCALES.new


@pytest.mark.parametrize(
    ("targets", "colours", "rare", "expected"),
    [
        # The new and the rare item score 3/4 of their scales, and item 1 scores 1. From a scale of 1.5 on, the rare
        # item precedes item 1, and the result is still better than without both items.
        ((4, 4, 1, 1), COLOURS[:4], COLOURS[3:4], Scales(new=6.0, rare=1.0)),
        # At a scale of 6, the rare item would have the score of item 4 and come first.
        ((4, 4, 4, 4), COLOURS[:4], COLOURS[3:4], Scales(new=6.0, rare=4.0)),
        # The rare item has no neighbours.
        ((1, 1, 1, 1), COLOURS, [{"colour": "green"}], Scales(new=1.0, rare=1.0)),
    ],
    ids=["hits of known items", "hits of new items only", "no neighbours"],
)
def test_rare_scale_keeps_the_gain_of_new_items(targets, colours, rare, expected):
    split = leave_one_out(
        *([item, target, 1] for item, target in zip((1, 1, 2, 3), targets, strict=True)), items=len(colours)
    )

    assert scales(split, colours, rare) == expected


def test_scale_is_reduced_by_a_loss_in_long_lists():
    """Item 1 remains first up to a scale of 1.

    At this scale, item 4 with 3/4 precedes item 3 with 1/2, which is one user's target.
    """
    split = leave_one_out([1, 1, 1], [1, 3, 1], [2, 1, 1], [3, 1, 1])

    assert (3 + 1 / math.log2(5)) / (3 + 1 / math.log2(4)) < 1 - MAX_LONG_NDCG_LOSS
    assert scale(split, k=1) == 0.5


def test_rare_items_are_included():
    """The rare item is red, so its score and its loss are those of item 4 in the first example of new items."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    rare = COLOURS[3:4]

    assert scales(split, COLOURS[:3], rare) == Scales(new=DEFAULT_SCALES.new, rare=1.0)
    found = measured(split, COLOURS[:3], rare, scales=Scales(new=1.0, rare=1.5))
    assert (found.items, found.others, found.users) == (0, 1, 0)
    assert found.without.every_item == 1
    assert found.with_.every_item == pytest.approx(1 / math.log2(3))


def test_rare_items_without_neighbours_do_not_choose_a_scale():
    """At any scale, the items cause no loss, because no list contains them."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    alien: list[dict[str, str]] = [{"colour": "green"}, {}]

    assert scales(split, COLOURS[:3], alien) == DEFAULT_SCALES
    assert scales(split, COLOURS[:3], [*alien, COLOURS[3]]) == Scales(new=DEFAULT_SCALES.new, rare=1.0)


def test_rare_items_do_not_reduce_the_scale_of_new_items():
    """Items 3 and 4 score 1, and items 1 and 2 score 1/4. The new item 5 scores 1/4 at a scale of 1.

    So item 5 is third at a scale of 3, and among the first at 4. The rare blue items score 1 at a scale of 1.
    """
    wanted = (3, 4, 3, 4, 3, 4, 3, 4, 3, 5)
    split = leave_one_out(*([item, want, 3] for item, want in zip((3, 3, 3, 3, 4, 4, 4, 4, 1, 2), wanted, strict=True)))
    colours = [{"colour": colour} for colour in ("red", "red", "blue", "blue", "red")]
    dead = [{"colour": "blue"}] * 50

    found = scales(split, colours, dead)

    assert found == Scales(new=3.0, rare=0.5)
    answers = cold(split, colours, dead).validation.answers(
        popular(split), split.validation.queries, k=3, seen="allowed"
    )
    without, with_, with_one = (answers.figures(each) for each in (NONE, found, Scales(new=1.0, rare=1.0)))
    assert without.every_item == pytest.approx(9 / 10 / math.log2(3))
    assert with_.every_item == pytest.approx((9 / math.log2(3) + 1 / math.log2(4)) / 10)
    assert with_.new_items == pytest.approx(1 / math.log2(4))
    assert with_.every_item_long >= (1 - MAX_LONG_NDCG_LOSS) * without.every_item_long
    assert with_one.every_item < (1 - MAX_NDCG_LOSS) * without.every_item


def test_new_and_rare_items_together_stay_within_the_loss_limit():
    """Items 1, 2 and 3 score 1, 18/40 and 22/40. Item 4 and the rare item score 29/40 of their scales.

    If one of them precedes item 3, which is one user's target, the loss is below `MAX_NDCG_LOSS`. If both do, the loss
    is this user's whole gain, which is above this limit.
    """
    fits = [*[1] * 40, *[2] * 18, *[3] * 22]
    split = leave_one_out(*([item, 3 if place == 0 else 1, 1] for place, item in enumerate(fits)), items=4)

    one = (1 / math.log2(3) - 1 / math.log2(4)) / (79 + 1 / math.log2(3))
    assert one < MAX_NDCG_LOSS < 1 / math.log2(3) / (79 + 1 / math.log2(3))
    assert scales(split, COLOURS[:4], []).new == 1.0
    assert scales(split, COLOURS[:4], COLOURS[3:4]) == Scales(new=1.0, rare=0.5)
    without_new = leave_one_out(*([item, 3 if place == 0 else 1, 1] for place, item in enumerate(fits)), items=3)
    assert scales(without_new, COLOURS[:3], COLOURS[3:4]).rare == 1.0


def test_rare_items_with_a_loss_at_any_scale_do_not_reduce_the_new_scale():
    """Item 1 scores 1, and items 2, 3 and 4 score 1/20. The rare item scores 21/40 of its scale.

    At a scale of 0.1, it precedes item 3, which is the target of all users. The new item 5 scores 1/20 at a scale of 1.
    """
    split = leave_one_out(*[[1, 3, 1]] * 20, [2, 3, 1], [3, 3, 1], [4, 3, 1])
    colours = [{"colour": colour} for colour in ("red", "red", "blue", "blue", "blue")]

    assert scales(split, colours, COLOURS[3:4], k=4) == Scales(new=0.5, rare=SCALES[0])


def test_rare_scale_is_at_most_the_new_scale():
    """Item 1 scores 1, and items 2, 3 and 4 score 1/4.

    The new item 5 scores 5/8 of its scale, and the rare item 1/4 of its scale.
    """
    split = leave_one_out(*[[1, 3, 1]] * 4, [2, 3, 1], [3, 3, 1], [4, 3, 1])
    colours = [{"colour": colour} for colour in ("red", "red", "blue", "blue", "red")]

    assert scales(split, colours, COLOURS[2:3], k=4) == Scales(new=0.25, rare=0.25)
    assert scales(split, [*colours[:4], {"colour": "green"}], COLOURS[2:3], k=4).rare == 0.5


def test_scale_may_lose_one_fifth_of_a_percent_in_ten_positions():
    """Item 4 has 29/40 of item 1's score.

    At a scale of 1, it takes the second rank from item 3, which is the target of two users.
    """
    split = leave_one_out(*[[1, 1, 1]] * 38, [1, 3, 1], [1, 3, 1], *[[2, 1, 1]] * 18, *[[3, 1, 1]] * 22)

    lost = 2 * (1 / math.log2(3) - 1 / 2) / (78 + 2 / math.log2(3))
    assert MAX_NDCG_LOSS < lost < MAX_LONG_NDCG_LOSS
    assert scale(split) == 0.5


def test_items_new_only_in_the_test_part_do_not_choose_a_scale():
    data = interactions([[1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1]], items=4, step_ms=DAY_MS)

    assert scale(splits.temporal(data, holdout_ms=DAY_MS)) == DEFAULT_SCALES.new


def test_scale_is_chosen_and_evaluated_on_a_limited_number_of_users(monkeypatch):
    """Only the first of four users is evaluated. In the validation, item 1 is this user's target, and item 4 the target
    of the next two users.
    """
    split = leave_one_out([1, 1, 4], [1, 4, 4], [2, 4, 4], [3, 1, 1])
    monkeypatch.setattr(cold_start, "MAX_QUERIES", 1)

    assert scale(split) == 1.0
    assert measured(split, COLOURS).users == 1
