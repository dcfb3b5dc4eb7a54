"""Shops for calculation by hand: popularity is the model, and colours define similarity.

The known items 1 and 2 are red, and 3 is not. Item 4 is red and new, so it scores the mean of 1 and 2.
"""

import numpy as np

from alsolike.bundle.bundle import MS_PER_DAY
from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.evaluation import splits
from model_export.evaluation.cold_start import Trials, choose_scales, part_items, trials
from model_export.evaluation.cold_trial import Properties
from model_export.evaluation.splits import Split
from tests.unit.model_export.shops import interactions

ONE = Scales(new=1.0, rare=1.0)
COLOURS = [{"colour": colour} for colour in ("red", "red", "blue", "red", "blue")]


def leave_one_out(*sequences: list[int], items: int = 5) -> Split:
    """Learn from the first of each user's three items, validate with the second, test with the third."""
    return splits.leave_one_out(interactions(list(sequences), items=items))


def days(*sequences: list[int], items: int = 3) -> Split:
    """Learn from the first of each user's three items, validate with the second, test the third by a model of two."""
    return splits.temporal(interactions(list(sequences), items=items, step_ms=MS_PER_DAY), holdout_ms=MS_PER_DAY)


def popular(split: Split) -> PopularityModel:
    """Return a model that scores the most frequent item 1."""
    return Popularity(trend_half_life_days=np.inf).fit(split.test.fit)


def cold(split: Split, properties: Properties, rare: Properties = (), sentences: SentenceModel | None = None) -> Trials:
    """Return the cold items of both parts."""
    return trials(part_items(split), properties, rare, sentences)


def scales(split: Split, properties: Properties, rare: Properties, *, k: int = 3) -> Scales:
    """Return the scales that are chosen where `rare` are too rare to be learned."""
    return choose_scales(popular(split), split, cold(split, properties, rare).validation, k=k, seen="allowed")


def scale(split: Split, *, k: int = 3) -> float:
    """Return the scale of new items; there are no rare ones."""
    return choose_scales(popular(split), split, cold(split, COLOURS).validation, k=k, seen="allowed").new
