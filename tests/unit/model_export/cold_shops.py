"""Shops for calculation by hand. Popularity is the model, and colours define similarity.

The known items 1 and 2 are red, and 3 is not. Item 4 is red and new, so its score is the mean of the scores of
items 1 and 2.
"""

import numpy as np

from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.algorithms.popularity import Popularity, PopularityModel
from model_export.evaluation import splits
from model_export.evaluation.cold_start import ColdStart, Trials, choose_scales, measure, part_items, trials
from model_export.evaluation.cold_trial import Properties
from model_export.evaluation.splits import Split
from tests.unit.model_export.shops import interactions

ONE = Scales(new=1.0, rare=1.0)
COLOURS = [{"colour": colour} for colour in ("red", "red", "blue", "red", "blue")]


def leave_one_out(*sequences: list[int], items: int = 5) -> Split:
    """Split three items per user: train on the first, validate with the second, and test with the third."""
    return splits.leave_one_out(interactions(list(sequences), items=items))


def days(*sequences: list[int], items: int = 3) -> Split:
    """Split three items per user by time. The model of the test is trained on the first two."""
    return splits.temporal(interactions(list(sequences), items=items, step_ms=DAY_MS), holdout_ms=DAY_MS)


def popular(split: Split) -> PopularityModel:
    return Popularity(trend_half_life_days=np.inf).fit(split.test.fit)


def cold(split: Split, properties: Properties, rare: Properties = (), sentences: SentenceModel | None = None) -> Trials:
    return trials(part_items(split), properties, rare, sentences)


def scales(split: Split, properties: Properties, rare: Properties, *, k: int = 3) -> Scales:
    """Return the selected scales. The items `rare` are too rare for the model."""
    return choose_scales(popular(split), split, cold(split, properties, rare).validation, k=k, seen="allowed")


def scale(split: Split, *, k: int = 3) -> float:
    return choose_scales(popular(split), split, cold(split, COLOURS).validation, k=k, seen="allowed").new


def measured(
    split: Split,
    properties: Properties,
    rare: Properties = (),
    *,
    scales: Scales = ONE,
    k: int = 3,
    sentences: SentenceModel | None = None,
) -> ColdStart:
    items = cold(split, properties, rare, sentences).test
    return measure(popular(split), split, items, scales=scales, k=k, seen="allowed")
