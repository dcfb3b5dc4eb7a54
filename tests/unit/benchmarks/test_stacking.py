"""Blends per segment of users."""

import numpy as np
import pytest

from benchmarks import stacking
from model_export.algorithms import known
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.transitions import Transitions
from model_export.evaluation import splits
from tests.unit.model_export.shops import interactions, random_sequences


def chains():
    """Return 60 users whose items follow each other in one cycle of 20, from different starts."""
    return [[(start + step) % 20 + 1 for step in range(12)] for start in range(60)]


@pytest.mark.parametrize(
    ("lengths", "expected"), [((4, 5, 6, 7, 8, 9), [0, 0, 1, 1, 2, 2]), ((5, 5, 5), [0, 0, 0]), ((9, 3, 6), [2, 0, 1])]
)
def test_segments_are_thirds_by_length_of_history(lengths, expected):
    data = interactions([list(range(1, length + 1)) for length in lengths])

    assert stacking.segments(splits.leave_one_out(data).test.queries).tolist() == expected


def test_regression_prefers_the_model_that_ranks_targets_first():
    split = splits.leave_one_out(interactions(chains()))
    models = {each.name: each.fit(split.validation.fit) for each in (Transitions(), Popularity())}

    weights = stacking.regression(models, split.validation.queries, seen="allowed")

    assert weights[0] > 2 * weights[1]
    assert weights.min() >= 0


@pytest.mark.parametrize(("weights", "ndcg"), [((1, 0), 1.0), ((0, 0), 0.0)])
def test_stacked_ranking_follows_the_weights(weights, ndcg):
    split = splits.leave_one_out(interactions(chains()))
    models = {each.name: each.fit(split.test.fit) for each in (Transitions(), Popularity())}

    found = stacking.stacked_gains(models, np.array(weights, np.float32), split.test.queries, seen="allowed")

    assert found.mean() == pytest.approx(ndcg, abs=0.1)


def test_table_compares_both_kinds_of_weights_with_the_blend():
    split = splits.leave_one_out(interactions(random_sequences(users=60, items=40, length=12, seed=0)))
    algorithms = {name: known()[name] for name in ("popularity", "transitions", "item_knn", "blend")}

    header, _, blend, *others = stacking.table(split, algorithms, ["masked"])

    assert header.startswith("| past | weights |")
    assert blend.startswith("| masked | the blend's | ")
    assert [row.split(" | ")[1] for row in others] == ["searched per segment", "regression per segment"]
