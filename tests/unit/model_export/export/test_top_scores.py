"""Distribution of each response's highest score, over users of the last days."""

import dataclasses

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from model_export.algorithms.buy_again import BuyAgain, BuyAgainModel
from model_export.algorithms.transitions import Transitions
from model_export.data.features import Feature
from model_export.evaluation.ranking import history_parameters
from model_export.export.top_scores import top_scores
from model_export.export.writer import write_graphs
from tests.unit.model_export.shops import interactions, random_sequences


@pytest.fixture
def found(tmp_path):
    def measure(data, *, exclude_seen=False, exclude_bought=False):
        settings, ones = BuyAgain(half_life_days=float("inf"), position_decay=1.0), np.ones(data.items + 1, np.float32)
        model = BuyAgainModel(settings=settings, items=data.items, again=ones, demand=ones)
        write_graphs(model, tmp_path)
        scores = top_scores(data, model, tmp_path, exclude_seen=exclude_seen, exclude_bought=exclude_bought)
        return scores.edges, scores.counts

    return measure


def test_top_scores_equal_values_computed_by_hand(found):
    assert found(interactions([[1], [1], [2, 2], [3, 3, 3]], step_ms=1)) == ((1.0, 2.0), (2, 1, 1))


def test_users_with_an_empty_list_have_no_top_score(found):
    assert found(interactions([[1], [2, 2]], step_ms=1), exclude_seen=True) == ((), (0,))


def test_bought_items_have_no_score_if_excluded(found):
    """The second user bought item 2 and viewed item 1 twice."""
    data = interactions([[1], [2, 1, 1]], step_ms=1)
    types = Feature(("purchase", "view"), np.array([2, 1, 2, 2], np.uint8))
    data = dataclasses.replace(data, features={"event_type": types})

    assert found(data, exclude_bought=True) == ((1.0,), (1, 1))


def test_inactive_users_are_excluded(found):
    """The first user's last interaction is eight days before the last interaction of the other user."""
    _, counts = found(interactions([[1], [2] * 9], step_ms=DAY_MS))

    assert sum(counts) == 1


def test_bins_have_equal_user_counts_and_match_the_model(tmp_path):
    data = interactions(random_sequences(users=200, items=30, length=12), step_ms=1)
    model = Transitions().fit(data)
    write_graphs(model, tmp_path)

    found = top_scores(data, model, tmp_path, exclude_seen=False)

    histories = data.histories(
        starts=data.offsets[:-1],
        ends=data.offsets[1:],
        now_ms=np.full(200, data.time_ms.max()),
        parameters=history_parameters(data, model.settings.half_life_days),
    )
    best = model.score(histories).max(axis=1)
    assert sum(found.counts) == 200
    assert max(found.counts) <= 25
    assert found.edges == pytest.approx(np.quantile(best, np.arange(1, 10) / 10, method="lower"), rel=1e-5)
