"""Public lists contain no pair or item of fewer than five users."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from alsolike.bundle.public_lists import MIN_USERS, PublicLists
from alsolike.runtime.errors import InvalidBundle
from model_export.algorithms import by_default
from model_export.algorithms.blend import Blend
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.transitions import Transitions
from model_export.data.interactions import Histories
from model_export.export import public_lists as module
from model_export.export.public_lists import public_lists
from tests.unit.model_export.shops import interactions, random_sequences

BASKETS: Sequence[Sequence[int]] = (
    *[[1, 2]] * 5,  # five users: published
    *[[1, 3]] * 4,  # four users
    [4, 5] * 20,  # one user's basket, twenty times
    [1, 2, 6],
)

ALGORITHMS = [
    *(algorithm for name, algorithm in by_default().items() if name not in ("blend", "sasrec")),
    Blend(parts=((ItemKnn(), 1.0), (Transitions(), 0.5))),
]


def of(data, algorithm=None):
    model = (algorithm or Transitions()).fit(data)
    return public_lists(model, data, np.arange(1, data.items + 1))


def pairs(lists):
    return {(item, int(to)) for item in range(len(lists.table)) for to in lists.table.row(item)[0]}


def common_users(data, first, second):
    sets = [set(data.item[start:end].tolist()) for start, end in itertools.pairwise(data.offsets.tolist())]
    return sum({first, second} <= items for items in sets)


def test_pair_is_published_only_with_five_distinct_users():
    lists = of(interactions(BASKETS))

    assert (1, 2) in pairs(lists)
    assert pairs(lists) <= {(1, 2), (2, 1), (1, 1), (2, 2)}
    assert lists.popular.tolist() == [1, 2]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_no_algorithm_publishes_a_pair_of_fewer_than_five_users(algorithm):
    data = interactions(random_sequences(users=60, items=15, length=6))

    lists = of(data, algorithm)

    assert {pair: common_users(data, *pair) for pair in pairs(lists) if common_users(data, *pair) < MIN_USERS} == {}


def test_old_interactions_of_a_user_do_not_count(monkeypatch):
    monkeypatch.setattr(module, "LATEST", 2)
    data = interactions([*[[1, 2]] * 4, [1, 2, 2, 2]])

    assert pairs(of(data)) <= {(2, 2)}


def test_quiet_shop_publishes_nothing():
    lists = of(interactions([[1, 2], [2, 3]]))

    assert (pairs(lists), lists.popular.tolist()) == (set(), [])


def test_row_keeps_the_order_and_ratios_of_the_model():
    data = interactions(random_sequences(users=400, items=12, length=8))
    model = Transitions().fit(data)
    histories = Histories(items=np.array([[3]]), weights=np.ones((1, 1), np.float32))
    scores = model.score(histories)[0]

    targets, values = of(data).table.row(3)

    assert len(targets) > 5
    assert targets.tolist() == sorted(targets.tolist(), key=lambda item: (-scores[item], item))
    assert values / values[0] == pytest.approx(scores[targets] / scores[targets[0]], rel=2e-3)


def test_model_without_a_table_is_distilled_for_frequent_items(monkeypatch):
    data = interactions(random_sequences(users=200, items=10, length=8))
    model = Popularity().fit(data)
    monkeypatch.setattr(type(model), "single_item_scores", lambda self, *, maximum: None)
    monkeypatch.setattr(module, "MAX_SCORES", 3 * data.items)

    lists = public_lists(model, data, [])

    assert {item for item, _ in pairs(lists)} == {1, 2, 3}


def test_lists_are_read_as_written(tmp_path):
    lists = of(interactions(random_sequences(users=200, items=10, length=8)))
    lists.write(tmp_path / "public.tensors")

    read = PublicLists.map(tmp_path / "public.tensors", items=10)

    assert pairs(read) == pairs(lists)
    assert read.popular.tolist() == lists.popular.tolist()
    assert read.position_decay == lists.position_decay
    with pytest.raises(InvalidBundle, match=r"public.tensors holds no public lists of 11 items"):
        PublicLists.map(tmp_path / "public.tensors", items=11)
