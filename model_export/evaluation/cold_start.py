"""Quality of recommendations with cold items, and scales of their scores.

The model was not trained on cold items. Two scales are selected on the validation data: one for new items, and one for
rare items, which have too few interactions for the training. Usually, each scale is the largest that costs at most the
share `MAX_NDCG_LOSS` of the NDCG of all items, and `MAX_LONG_NDCG_LOSS` of the NDCG of long lists. The scale for new
items is selected first, because new items need exposure. Rare items have already had exposure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.api import Algorithm, Model
from model_export.evaluation.cold_trial import LONG, NONE, ColdFigures, PartItems, Properties, Trial, unknown
from model_export.evaluation.fit_cache import Fits
from model_export.evaluation.ranking import Seen
from model_export.evaluation.splits import Split

SCALES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)

DEFAULT_SCALES = Scales(new=2.0, rare=2.0)
"""Scales that are used if none can be measured. Trainings usually select similar scales of new items."""

MAX_NDCG_LOSS = 0.002
"""Maximum relative loss of NDCG due to cold items. Equal to `blend.WORTH`, the largest loss at which a blend drops a
part.
"""

MAX_LONG_NDCG_LOSS = 0.01
"""Maximum relative loss of NDCG@`LONG` due to cold items."""

MAX_QUERIES = 5_000
"""Maximum number of users in the selection of scales and in their evaluation."""


@dataclasses.dataclass(frozen=True, slots=True)
class ColdStart:
    """Metrics of up to `MAX_QUERIES` test users without and with cold items at the selected scales.

    Attributes
    ----------
    items
        Number of new items, which have no interactions in the training data of the test part.
    others
        Number of rare items, which have too few interactions for the training.
    users
        Number of users with a new item among their targets.
    by_words_alone
        Metrics with cold items if texts are not compared, at scales selected for this case. None if there is no
        sentence model.
    """

    items: int
    others: int
    users: int
    without: ColdFigures
    with_: ColdFigures
    by_words_alone: ColdFigures | None = None

    def sentence(self) -> str:
        without, with_ = self.without, self.with_
        note = (
            f"{self.items:,} items are new in the test, {self.others:,} too rare to be learned: the ndcg of new ones "
            f"{with_.new_items:.4f} at scale {with_.scales.new:g}, {with_.scales.rare:g} for rare ones, that of all "
            f"{without.every_item:.4f} without and {with_.every_item:.4f} with both, in lists of {LONG} "
            f"{without.every_item_long:.4f} and {with_.every_item_long:.4f}"
        )
        if self.by_words_alone is not None:
            note += f"; without the sentence model that of new ones is {self.by_words_alone.new_items:.4f}"
        return note


@dataclasses.dataclass(frozen=True, slots=True)
class Trials:
    """Cold items and their neighbours in both parts of a split.

    Attributes
    ----------
    by_words
        Trials that do not use the sentence model. None if there is no such model.
    """

    validation: Trial
    test: Trial
    by_words: Trials | None = None


def part_items(split: Split) -> tuple[PartItems, PartItems]:
    """Return the items of the validation and the test part.

    They are equal if the parts are fitted on the same interactions. Items that first occur after the test's training
    data are not new in the validation, because they did not exist in the validation window.
    """
    test = PartItems.of(split.test)
    if split.test.fit is split.validation.fit:
        return test, test
    mask = unknown(split.validation)
    later = np.zeros_like(mask)  # indexed by position in the full dataset
    later[split.test.order] = test.unknown[1:]
    mask[1:] &= ~later[split.validation.order]
    return PartItems.of(split.validation, new=mask), test


def trials(
    items: tuple[PartItems, PartItems],
    properties: Properties,
    unlearned: Properties = (),
    sentences: SentenceModel | None = None,
) -> Trials:
    """Find the neighbours of the cold items of both parts.

    Rare items have the same neighbours in both parts, those of the validation part, because the search takes seconds.
    `properties` are in the order of the full dataset. `unlearned` are the catalogue's rare items.
    """
    validation, test = items
    trial = Trial(validation, properties, unlearned, sentences)
    return Trials(
        validation=trial,
        test=trial if validation is test else Trial(test, properties, unlearned, sentences, earlier=trial),
        by_words=None if sentences is None else trials(items, properties, unlearned),
    )


def judge(settings: Algorithm, split: Split, cold: Trials, *, fits: Fits, k: int, seen: Seen) -> ColdStart:
    scales = choose_scales(fits.fit(settings, split.validation.fit), split, cold.validation, k=k, seen=seen)
    found = measure(fits.fit(settings, split.test.fit), split, cold.test, scales=scales, k=k, seen=seen)
    if cold.by_words is None:
        return found
    by_words = judge(settings, split, cold.by_words, fits=fits, k=k, seen=seen)
    return dataclasses.replace(found, by_words_alone=by_words.with_)


def measure(model: Model, split: Split, cold: Trial, *, scales: Scales, k: int, seen: Seen) -> ColdStart:
    """Evaluate a model that was fitted for the test part, with the cold items of this part."""
    answers = cold.answers(model, split.test.queries.sample(MAX_QUERIES), k=k, seen=seen)
    return ColdStart(
        items=cold.new,
        others=cold.rare,
        users=answers.users_of_new_items,
        without=answers.figures(NONE),
        with_=answers.figures(scales),
    )


def choose_scales(model: Model, split: Split, cold: Trial, *, k: int, seen: Seen) -> Scales:
    """Select the scales of new and rare items on the validation part.

    The scale of new items is the largest of `SCALES` within the limits `MAX_NDCG_LOSS` and `MAX_LONG_NDCG_LOSS`, with
    rare items at the smallest scale. If no scale is within the limits, the search is repeated without rare items. If
    there is still none, new items have the smallest scale.

    The scale of rare items is the largest within the limits that is not above the scale of new items. The limits apply
    relative to lists without cold items, and relative to lists with new items and rare items at the smallest scale. If
    there is none, rare items have the smallest scale.

    `DEFAULT_SCALES` are returned if no cold item has neighbours, or no list contains a target. If no new item has
    neighbours, new items have their default scale.
    """
    if not cold.comparable_new + cold.comparable_rare:
        return DEFAULT_SCALES
    answers = cold.answers(model, split.validation.queries.sample(MAX_QUERIES), k=k, seen=seen)
    without, least_rare = answers.figures(NONE), SCALES[0]
    if not without.every_item and not answers.figures(Scales(new=SCALES[-1], rare=least_rare)).every_item:
        return DEFAULT_SCALES

    def keeps(new: float, rare: float, before: ColdFigures = without) -> bool:
        found = answers.figures(Scales(new=new, rare=rare))
        return (
            found.every_item >= (1.0 - MAX_NDCG_LOSS) * before.every_item
            and found.every_item_long >= (1.0 - MAX_LONG_NDCG_LOSS) * before.every_item_long
        )

    candidates = SCALES if cold.comparable_new else (DEFAULT_SCALES.new,)
    new = (
        _largest(candidates, lambda scale: keeps(scale, least_rare))
        or _largest(candidates, lambda scale: keeps(scale, NONE.rare))
        or candidates[0]
    )
    brought = answers.figures(Scales(new=new, rare=least_rare))
    rare = _largest(
        [scale for scale in SCALES if scale <= new],
        lambda scale: keeps(new, scale) and keeps(new, scale, before=brought),
    )
    return Scales(new=new, rare=rare or least_rare)


def _largest(scales: Sequence[float], kept: Callable[[float], bool]) -> float | None:
    return next((scale for scale in reversed(scales) if kept(scale)), None)
