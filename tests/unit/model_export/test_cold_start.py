"""Items that nobody had, judged by hand.

Of the known items 1 and 2 are red and 3 is not. Item 4 is red, too, so that it scores the mean of what 1 and 2 score.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from alsolike.bundle import MS_PER_DAY
from alsolike.sentences import SentenceModel
from model_export import cold_start, protocols
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.cold_start import (
    MOST_LOST,
    MOST_LOST_LONG,
    SCALES,
    ColdStart,
    choose_scale,
    judge,
    measure,
    unknown,
)
from model_export.fits import Fits
from model_export.item_content import DEFAULT_SCALE
from model_export.protocols import Split
from tests.sentence_model import sentence_model
from tests.unit.model_export.shops import interactions

TITLES = [{"title": title} for title in ("sofa", "lamp", "desk", "couch", "divan")]
COLOURS = [{"colour": colour} for colour in ("red", "red", "blue", "red", "blue")]


def leave_one_out(*sequences: list[int], items: int = 5) -> Split:
    """Of three items of each user the first is learned from, then validation and test."""
    return protocols.leave_one_out(interactions(list(sequences), items=items))


def popular(split: Split) -> PopularityModel:
    return Popularity(trend_half_life_days=np.inf).fit(split.test.fit)


def scale(split: Split, *, k: int = 3) -> float:
    return choose_scale(popular(split), split, COLOURS, k=k, seen="allowed")


def test_what_nobody_had_is_unknown() -> None:
    part = leave_one_out([1, 1, 4], [2, 1, 1], [3, 1, 1]).test

    names = np.concatenate([[0], part.order])
    assert sorted(names[unknown(part)].tolist()) == [4, 5]


def test_a_new_item_is_found_by_what_is_like_it() -> None:
    """Items 1, 2, 3 score 1, 1/2, 1/2, item 4 at scale 1 (1 + 1/2) / 2: it has the second rank."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])

    found = measure(popular(split), split, COLOURS, scale=1.0, k=3, seen="allowed")

    second = 1 / math.log2(3)
    assert (found.items, found.others, found.users) == (2, 0, 2)
    assert (found.without.every_item, found.without.new_items) == ((0 + 0 + 1 + 1) / 4, 0)
    assert found.with_.new_items == pytest.approx(second)
    assert found.with_.every_item == pytest.approx((second + second + 1 + 1) / 4)


def test_a_new_item_is_found_by_what_its_title_means(tmp_path: Path) -> None:
    """Item 4, the couch, scores what item 1 scores, the sofa: of equal ones the known comes first."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])

    found = measure(
        popular(split), split, TITLES, scale=1.0, k=3, seen="allowed", sentences=sentence_model(tmp_path, TITLES)
    )

    assert found.with_.new_items == pytest.approx(1 / math.log2(3))
    assert measure(popular(split), split, TITLES, scale=1.0, k=3, seen="allowed").with_.new_items == 0


def test_a_sentence_model_is_judged_beside_words_alone_each_at_its_own_scale(tmp_path: Path) -> None:
    """The larger the scale, the better: the validation wants item 4, which by its words is like nothing."""
    split = leave_one_out([1, 4, 4], [1, 4, 4], [2, 4, 1], [3, 4, 1])
    popularity = Popularity(trend_half_life_days=np.inf)

    def judged(sentences: SentenceModel | None) -> ColdStart:
        return judge(popularity, split, TITLES, fits=Fits(), k=3, seen="allowed", sentences=sentences)

    found, without = judged(sentence_model(tmp_path, TITLES)), judged(None)

    assert found.with_.scale == SCALES[-1]
    assert found.by_words_alone == without.with_
    assert without.with_.scale == DEFAULT_SCALE
    assert without.by_words_alone is None


def test_new_items_that_the_past_holds_are_masked() -> None:
    """Item 4 is what all users had before the test, which learned nothing of it."""
    split = leave_one_out([1, 4, 2], [1, 4, 2], [2, 4, 3], [3, 4, 2])

    found = measure(popular(split), split, COLOURS, scale=6.0, k=3, seen="masked")

    assert found.with_.every_item == found.without.every_item > 0


def test_the_scale_is_the_largest_that_costs_nothing() -> None:
    """Everybody has item 1, which scores 1; item 4 scores 3/4 of the scale: from 1.5 on it is before it."""
    assert scale(leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1])) == 1.0


def test_the_scale_is_the_largest_of_all_where_new_items_are_wanted() -> None:
    assert scale(leave_one_out([1, 4, 1], [1, 4, 1], [2, 4, 1], [3, 4, 1])) == SCALES[-1]


def test_the_scale_is_the_usual_one_where_nothing_is_found() -> None:
    """Item 5 is like nothing, and all want it."""
    assert scale(leave_one_out([1, 5, 1], [1, 5, 1], [2, 5, 1], [3, 5, 1])) == DEFAULT_SCALE


def test_the_scale_is_the_smallest_where_every_one_costs() -> None:
    """Items 1, 2, 3 score 1, 1/20, 1/20, item 4 at the smallest scale 21/400: it moves 3 out of a list of three."""
    assert scale(leave_one_out(*[[1, 3, 1]] * 20, [2, 3, 1], [3, 3, 1])) == SCALES[0]


def test_the_scale_costs_long_lists_little_too() -> None:
    """Item 1 stays first up to a scale of 1; there item 4, with 3/4, comes before item 3, with 1/2, whom one wants."""
    split = leave_one_out([1, 1, 1], [1, 3, 1], [2, 1, 1], [3, 1, 1])

    assert (3 + 1 / math.log2(5)) / (3 + 1 / math.log2(4)) < 1 - MOST_LOST_LONG
    assert scale(split, k=1) == 0.5


def test_items_that_are_too_rare_to_be_learned_take_part() -> None:
    """They cost what item 4 costs."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    rare = COLOURS[3:4]

    assert choose_scale(popular(split), split, COLOURS[:3], k=3, seen="allowed", unlearned=rare) == 1.0
    found = measure(popular(split), split, COLOURS[:3], scale=1.5, k=3, seen="allowed", unlearned=rare)
    assert (found.items, found.others, found.users) == (0, 1, 0)
    assert found.without.every_item == 1
    assert found.with_.every_item == pytest.approx(1 / math.log2(3))


def test_rare_items_that_are_like_nothing_choose_no_scale() -> None:
    """They cost nothing at any scale, since they are in no answer."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    alien: list[dict[str, str]] = [{"colour": "green"}, {}]

    assert choose_scale(popular(split), split, COLOURS[:3], k=3, seen="allowed", unlearned=alien) == DEFAULT_SCALE
    with_red = choose_scale(popular(split), split, COLOURS[:3], k=3, seen="allowed", unlearned=[*alien, COLOURS[3]])
    assert with_red == 1.0


def days(*sequences: list[int], items: int = 3) -> Split:
    """Of three items of each user the first is learned from, then validation and test; the test's model has two."""
    return protocols.temporal(interactions(list(sequences), items=items, step_ms=MS_PER_DAY), holdout_ms=MS_PER_DAY)


def test_a_scale_is_judged_that_the_validation_part_chose_with_the_rare_items_and_what_it_learns() -> None:
    """Items 1, 2, 3 score 1, 1/2, 1/2, the rare one 3/4 of the scale. With what the test learns it were 7/12."""
    split = days([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1])
    popularity, rare = Popularity(trend_half_life_days=np.inf), COLOURS[3:4]

    found = judge(popularity, split, COLOURS[:3], fits=Fits(), k=3, seen="allowed", unlearned=rare)

    assert found.with_.scale == 1.0
    assert choose_scale(popular(split), split, COLOURS[:3], k=3, seen="allowed", unlearned=rare) == 1.5


def test_rare_items_take_part_by_words_alone_as_well(tmp_path: Path) -> None:
    """By its words the rare item is like item 1 and 2 alike, by its meaning more like item 1."""
    split = leave_one_out([1, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)
    titles = [{"title": title} for title in ("grey sofa", "grey lamp", "desk", "grey couch")]

    found = judge(
        Popularity(trend_half_life_days=np.inf), split, titles[:3], fits=Fits(), k=3, seen="allowed",
        unlearned=titles[3:], sentences=sentence_model(tmp_path, titles),
    )  # fmt: skip

    assert found.by_words_alone is not None
    assert found.by_words_alone.scale == 1.0


def test_ten_places_may_cost_a_fifth_of_a_percent() -> None:
    """At a scale of 1 item 4, with 3/4 of what item 1 scores, takes the second rank from item 3, which few want."""
    split = leave_one_out(*[[1, 1, 1]] * 38, [1, 3, 1], [1, 3, 1], *[[2, 1, 1]] * 20, *[[3, 1, 1]] * 20)

    lost = 2 * (1 / math.log2(3) - 1 / 2) / (78 + 2 / math.log2(3))
    assert MOST_LOST < lost < MOST_LOST_LONG
    assert scale(split) == 0.5


def test_a_scale_of_a_quarter_may_be_the_largest() -> None:
    """Items 1, 2, 3 score 1, 1/4, 1/4, item 4 5/8 of the scale: at 1/2 it is before item 3, which all want."""
    assert scale(leave_one_out(*[[1, 3, 1]] * 4, [2, 3, 1], [3, 3, 1])) == 0.25
    assert SCALES[:2] == (0.1, 0.25)


def test_a_long_list_is_longer_than_the_places_that_are_looked_at_first() -> None:
    """Item 1 scores 1, items 2 to 13 1/2; 14, with 3/4 at a scale of 1, moves 13 from the 13th place to the 14th."""
    split = leave_one_out([1, 1, 1], [1, 13, 13], *([item, 13, 13] for item in range(2, 14)), items=14)
    colours = [*COLOURS[:2], *[{"colour": "blue"}] * 11, {"colour": "red"}]

    found = measure(popular(split), split, colours, scale=1.0, k=1, seen="allowed")

    assert found.without.every_item == found.with_.every_item == 1 / 14
    assert found.without.every_item_long == pytest.approx((1 + 13 / math.log2(14)) / 14)
    assert found.with_.every_item_long == pytest.approx((1 + 13 / math.log2(15)) / 14)
    assert choose_scale(popular(split), split, colours, k=1, seen="allowed") == 0.5


def test_some_users_choose_a_scale_and_tell_what_it_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of four alone is asked, who wants item 1; the two after want item 4."""
    split = leave_one_out([1, 1, 4], [1, 4, 4], [2, 4, 4], [3, 1, 1])
    monkeypatch.setattr(cold_start, "MOST_QUERIES", 1)

    assert scale(split) == 1.0
    assert measure(popular(split), split, COLOURS, scale=1.0, k=3, seen="allowed").users == 1


def test_what_is_not_in_the_models_first_items_speaks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 1 alone speaks for item 4, which scores 1/2 and ties with items 2 and 3: a target has the worst rank."""
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])
    monkeypatch.setattr(cold_start, "LISTED", 1)

    found = measure(popular(split), split, COLOURS, scale=1.0, k=4, seen="allowed")

    assert found.with_.new_items == pytest.approx(1 / math.log2(5))


def test_what_a_model_scores_without_having_learned_it_is_in_no_answer() -> None:
    split = leave_one_out([1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1])
    everything = PopularityModel(
        settings=Popularity(trend_half_life_days=np.inf), items=5, share=np.array([0, 1, 1, 1, 9, 9], np.float32)
    )

    found = measure(everything, split, COLOURS, scale=1.0, k=3, seen="allowed")

    assert found.without.new_items == 0


def test_the_scale_is_the_default_where_nothing_is_new() -> None:
    assert scale(leave_one_out([1, 1, 1], [2, 1, 1], [3, 1, 1], items=3)) == DEFAULT_SCALE


def test_what_comes_in_the_test_part_alone_chooses_nothing() -> None:
    data = interactions([[1, 1, 4], [1, 1, 4], [2, 1, 1], [3, 1, 1]], items=4, step_ms=MS_PER_DAY)

    assert scale(protocols.temporal(data, holdout_ms=MS_PER_DAY)) == DEFAULT_SCALE
