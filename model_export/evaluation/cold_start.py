"""Quality of answers with items that the model does not know, and the scales of these items' scores.

Two scales are chosen on the validation part, one of items that are new to it and one of the catalogue's that are too
rare to be learned, which take part as they do in serving: in many shops those are most of the cold ones. Both are as
large as they may be without costing the answers as a whole more than `MOST_LOST`, and long lists more than
`MOST_LOST_LONG`. New items come first: users can like them only after seeing them. Rare items had their time.
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
"""Scales without measurements: for new items, the middle of the usual choices."""

MOST_LOST = 0.002
"""Share of the NDCG that cold items may cost: less than a part of a blend has to be worth."""

MOST_LOST_LONG = 0.01
"""Share of the NDCG of lists of `LONG` that they may cost."""

MOST_QUERIES = 5_000
"""As many users choose the scales, and as many tell what they bring."""


@dataclasses.dataclass(frozen=True, slots=True)
class ColdStart:
    """The test part without cold items, and with them at the chosen scales, by `MOST_QUERIES` users.

    Attributes
    ----------
    items
        Items of the data that are first seen in the test.
    others
        Cold items that are not in the data.
    users
        Who had a cold item.
    by_words_alone
        With them, where a sentence model took part, and that one left out; at the scales that are chosen then.
    """

    items: int
    others: int
    users: int
    without: ColdFigures
    with_: ColdFigures
    by_words_alone: ColdFigures | None = None

    def sentence(self) -> str:
        """Say it in a line."""
        without, with_ = self.without, self.with_
        said = (
            f"{self.items:,} items are new in the test, {self.others:,} too rare to be learned: the ndcg of new ones "
            f"{with_.new_items:.4f} at scale {with_.scales.new:g}, {with_.scales.rare:g} for rare ones, that of all "
            f"{without.every_item:.4f} without and {with_.every_item:.4f} with both, in lists of {LONG} "
            f"{without.every_item_long:.4f} and {with_.every_item_long:.4f}"
        )
        if self.by_words_alone is not None:
            said += f"; without the sentence model that of new ones is {self.by_words_alone.new_items:.4f}"
        return said


@dataclasses.dataclass(frozen=True, slots=True)
class Trials:
    """Cold items and their neighbours in both parts of a split.

    Attributes
    ----------
    by_words
        The same by words only, if a sentence model takes part.
    """

    validation: Trial
    test: Trial
    by_words: Trials | None = None


def part_items(split: Split) -> tuple[PartItems, PartItems]:
    """Return the items of the validation and of the test part; both are one where both learn from the same.

    Items that first came in the test part are in neither: a shop does not have them at the validation's time.
    """
    test = PartItems.of(split.test)
    if split.test.fit is split.validation.fit:
        return test, test
    mask = unknown(split.validation)
    later = np.zeros_like(mask)  # by the numbers of the whole data
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

    Parameters
    ----------
    items
        Of the parts, see `part_items`.
    properties
        Columns of the items in the order of the whole data.
    unlearned
        Columns of the catalogue's other items: too rare to be in the data, and so cold when the model serves.
    sentences
        Compares texts as well.
    """
    validation, test = items
    of_test = Trial(test, properties, unlearned, sentences)
    return Trials(
        validation=of_test if validation is test else Trial(validation, properties, unlearned, sentences),
        test=of_test,
        by_words=None if sentences is None else trials(items, properties, unlearned),
    )


def judge(settings: Algorithm, split: Split, cold: Trials, *, fits: Fits, k: int, seen: Seen) -> ColdStart:
    """Choose the scales of an algorithm's cold items on the validation part and measure them on the test part."""
    scales = choose_scales(fits.fit(settings, split.validation.fit), split, cold.validation, k=k, seen=seen)
    found = measure(fits.fit(settings, split.test.fit), split, cold.test, scales=scales, k=k, seen=seen)
    if cold.by_words is None:
        return found
    by_words = judge(settings, split, cold.by_words, fits=fits, k=k, seen=seen)
    return dataclasses.replace(found, by_words_alone=by_words.with_)


def measure(model: Model, split: Split, cold: Trial, *, scales: Scales, k: int, seen: Seen) -> ColdStart:
    """Measure a model that was fitted on the test part's interactions, with the cold items of that part."""
    answers = cold.answers(model, split.test.queries.sample(MOST_QUERIES), k=k, seen=seen)
    return ColdStart(
        items=cold.new,
        others=cold.rare,
        users=answers.users_of_new_items,
        without=answers.figures(NONE),
        with_=answers.figures(scales),
    )


def choose_scales(model: Model, split: Split, cold: Trial, *, k: int, seen: Seen) -> Scales:
    """Return the largest of `SCALES` for new items, and with that the largest, not above it, for rare ones.

    Both together may cost `MOST_LOST` and `MOST_LOST_LONG`, and rare ones as much of what new ones bring. New items are
    judged next to rare ones at the smallest scale. If those cost more even so, they keep it and hold nothing down:
    new items are judged without them. If new ones cost more at every scale, they have the smallest.

    Without evidence, `DEFAULT_SCALES`: where no item that is cold to the validation part is like a known one, or
    nothing is found. Where no new one is, new items have theirs, and rare ones what is left.

    Parameters
    ----------
    model
        Fitted on the validation part's interactions.
    cold
        Cold items of the validation part.
    """
    if not cold.comparable_new + cold.comparable_rare:
        return DEFAULT_SCALES
    answers = cold.answers(model, split.validation.queries.sample(MOST_QUERIES), k=k, seen=seen)
    without, least_rare = answers.figures(NONE), SCALES[0]
    if not without.every_item and not answers.figures(Scales(new=SCALES[-1], rare=least_rare)).every_item:
        return DEFAULT_SCALES

    def keeps(new: float, rare: float, before: ColdFigures = without) -> bool:
        found = answers.figures(Scales(new=new, rare=rare))
        return (
            found.every_item >= (1.0 - MOST_LOST) * before.every_item
            and found.every_item_long >= (1.0 - MOST_LOST_LONG) * before.every_item_long
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
    """Return the last of ascending scales that is kept."""
    return next((scale for scale in reversed(scales) if kept(scale)), None)
