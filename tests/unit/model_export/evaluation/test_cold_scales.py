"""Scales of new and rare items, computed by hand; see `cold_shops`."""

import math

import pytest

from alsolike.bundle.bundle import MS_PER_DAY
from alsolike.snapshot.content_index import Scales
from model_export.evaluation import cold_start, splits
from model_export.evaluation.cold_start import (
    DEFAULT_SCALES,
    MAX_LONG_NDCG_LOSS,
    MAX_NDCG_LOSS,
    SCALES,
    measure,
)
from model_export.evaluation.cold_trial import NONE
from tests.unit.model_export.cold_shops import COLOURS, ONE, cold, leave_one_out, popular, scale, scales
from tests.unit.model_export.shops import interactions


def test_scale_is_the_largest_without_a_loss() -> None:
    """Everybody has item 1, which scores 1; item 4 scores 3/4 of the scale: from 1.5 on it is before it."""
    assert scale(leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1])) == 1.0


def test_scale_is_the_largest_possible_if_users_want_new_items() -> None:
    assert scale(leave_one_out([1, 4, 1], [1, 4, 1], [2, 4, 1], [3, 4, 1])) == SCALES[-1]


def test_scale_is_the_default_if_no_target_is_found() -> None:
    """Item 5 is like nothing, and all want it."""
    assert scale(leave_one_out([1, 5, 1], [1, 5, 1], [2, 5, 1], [3, 5, 1])) == DEFAULT_SCALES.new


def test_scale_is_the_smallest_if_every_scale_has_a_loss() -> None:
    """Items 1, 2, 3 score 1, 1/20, 1/20, item 4 at the smallest scale 21/400: it moves 3 out of a list of three."""
    assert scale(leave_one_out(*[[1, 3, 1]] * 20, [2, 3, 1], [3, 3, 1])) == SCALES[0]


def test_scale_is_reduced_by_a_loss_in_long_lists() -> None:
    """Item 1 stays first up to a scale of 1; there item 4, with 3/4, comes before item 3, with 1/2, whom one wants."""
    split = leave_one_out([1, 1, 1], [1, 3, 1], [2, 1, 1], [3, 1, 1])

    assert (3 + 1 / math.log2(5)) / (3 + 1 / math.log2(4)) < 1 - MAX_LONG_NDCG_LOSS
    assert scale(split, k=1) == 0.5


def test_rare_items_are_included() -> None:
    """They cost what item 4 costs."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    rare = COLOURS[3:4]

    assert scales(split, COLOURS[:3], rare) == Scales(new=DEFAULT_SCALES.new, rare=1.0)
    found = measure(
        popular(split),
        split,
        cold(split, COLOURS[:3], rare).test,
        scales=Scales(new=1.0, rare=1.5),
        k=3,
        seen="allowed",
    )
    assert (found.items, found.others, found.users) == (0, 1, 0)
    assert found.without.every_item == 1
    assert found.with_.every_item == pytest.approx(1 / math.log2(3))


def test_rare_items_without_neighbours_do_not_choose_a_scale() -> None:
    """They cost nothing at any scale, since they are in no answer."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    alien: list[dict[str, str]] = [{"colour": "green"}, {}]

    assert scales(split, COLOURS[:3], alien) == DEFAULT_SCALES
    assert scales(split, COLOURS[:3], [*alien, COLOURS[3]]) == Scales(new=DEFAULT_SCALES.new, rare=1.0)


def test_rare_items_do_not_reduce_the_scale_of_new_items() -> None:
    """Items 3 and 4 score 1, items 1 and 2 1/4, and so does item 5, which is new, at a scale of 1: at 3 it is third, at
    4 among the first. The dead ones score 1 at a scale of 1.
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


def test_new_and_rare_items_together_stay_within_the_loss_limit() -> None:
    """Items 1, 2, 3 score 1, 18/40, 22/40, item 4 and the rare one 29/40 of their scales. One of them before item 3,
    which one user wants, costs 0.17%, two cost that user's whole gain.
    """
    fits = [*[1] * 40, *[2] * 18, *[3] * 22]
    split = leave_one_out(*([item, 3 if place == 0 else 1, 1] for place, item in enumerate(fits)), items=4)

    one = (1 / math.log2(3) - 1 / math.log2(4)) / (79 + 1 / math.log2(3))
    assert one < MAX_NDCG_LOSS < 1 / math.log2(3) / (79 + 1 / math.log2(3))
    assert scales(split, COLOURS[:4], []).new == 1.0
    assert scales(split, COLOURS[:4], COLOURS[3:4]) == Scales(new=1.0, rare=0.5)
    without_new = leave_one_out(*([item, 3 if place == 0 else 1, 1] for place, item in enumerate(fits)), items=3)
    assert scales(without_new, COLOURS[:3], COLOURS[3:4]).rare == 1.0


def test_rare_items_with_a_loss_at_any_scale_do_not_reduce_the_new_scale() -> None:
    """Item 1 scores 1, items 2, 3, 4 1/20, the rare one 21/40 of its scale: at 0.1 it is before item 3, whom all want.
    Item 5, which is new, scores 1/20 at a scale of 1.
    """
    split = leave_one_out(*[[1, 3, 1]] * 20, [2, 3, 1], [3, 3, 1], [4, 3, 1])
    colours = [{"colour": colour} for colour in ("red", "red", "blue", "blue", "blue")]

    assert scales(split, colours, COLOURS[3:4], k=4) == Scales(new=0.5, rare=SCALES[0])


def test_rare_scale_is_at_most_the_new_scale() -> None:
    """Item 1 scores 1, items 2, 3, 4 1/4, item 5, which is new, 5/8 of its scale and the rare one 1/4 of its."""
    split = leave_one_out(*[[1, 3, 1]] * 4, [2, 3, 1], [3, 3, 1], [4, 3, 1])
    colours = [{"colour": colour} for colour in ("red", "red", "blue", "blue", "red")]

    assert scales(split, colours, COLOURS[2:3], k=4) == Scales(new=0.25, rare=0.25)
    assert scales(split, [*colours[:4], {"colour": "green"}], COLOURS[2:3], k=4).rare == 0.5


def test_rare_scale_keeps_the_gain_of_new_items() -> None:
    """Both score 3/4 of their scales, item 1 scores 1. Half of the users want item 4, which is new, half item 1.

    From 1.5 on the rare one stands before item 1, and still all is better than without either.
    """
    split = leave_one_out([1, 4, 1], [1, 4, 1], [2, 1, 1], [3, 1, 1], items=4)

    assert scales(split, COLOURS[:4], COLOURS[3:4]) == Scales(new=6.0, rare=1.0)


def test_rare_scale_keeps_the_gain_of_new_items_without_other_hits() -> None:
    """At 6 the rare one, which scores the same, would come first."""
    split = leave_one_out([1, 4, 1], [1, 4, 1], [2, 4, 1], [3, 4, 1], items=4)

    assert scales(split, COLOURS[:4], COLOURS[3:4]) == Scales(new=6.0, rare=4.0)


def test_rare_items_without_neighbours_have_the_scale_of_new_items() -> None:
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1])

    assert scales(split, COLOURS, [{"colour": "green"}]) == Scales(new=1.0, rare=1.0)


def test_scale_may_lose_one_fifth_of_a_percent_in_ten_positions() -> None:
    """At a scale of 1 item 4, with 29/40 of what item 1 scores, takes the second rank from item 3, which few want."""
    split = leave_one_out(*[[1, 1, 1]] * 38, [1, 3, 1], [1, 3, 1], *[[2, 1, 1]] * 18, *[[3, 1, 1]] * 22)

    lost = 2 * (1 / math.log2(3) - 1 / 2) / (78 + 2 / math.log2(3))
    assert MAX_NDCG_LOSS < lost < MAX_LONG_NDCG_LOSS
    assert scale(split) == 0.5


def test_scale_of_one_quarter_can_be_chosen() -> None:
    """Items 1, 2, 3 score 1, 1/4, 1/4, item 4 5/8 of the scale: at 1/2 it is before item 3, which all want."""
    assert scale(leave_one_out(*[[1, 3, 1]] * 4, [2, 3, 1], [3, 3, 1])) == 0.25
    assert SCALES[:2] == (0.1, 0.25)


def test_scale_is_the_default_without_new_items() -> None:
    assert scale(leave_one_out([1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)) == DEFAULT_SCALES.new


def test_items_new_only_in_the_test_part_do_not_choose_a_scale() -> None:
    data = interactions([[1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1]], items=4, step_ms=MS_PER_DAY)

    assert scale(splits.temporal(data, holdout_ms=MS_PER_DAY)) == DEFAULT_SCALES.new


def test_scale_is_chosen_and_evaluated_on_a_limited_number_of_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first of four users is evaluated, whose target is item 1; the next two have item 4."""
    split = leave_one_out([1, 1, 4], [1, 4, 4], [2, 4, 4], [3, 1, 1])
    monkeypatch.setattr(cold_start, "MAX_QUERIES", 1)

    assert scale(split) == 1.0
    assert measure(popular(split), split, cold(split, COLOURS).test, scales=ONE, k=3, seen="allowed").users == 1
