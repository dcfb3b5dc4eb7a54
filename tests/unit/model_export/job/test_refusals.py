import dataclasses

import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.algorithms import known
from model_export.algorithms.blend import Blend
from model_export.algorithms.ease import Ease
from model_export.algorithms.repurchase import Repurchase
from model_export.algorithms.sasrec import Sasrec
from model_export.algorithms.slist import Slist
from tests.unit.model_export.shops import interactions, run_training, tiny_shop

PAIR = interactions([[1, 2], [1, 2, 3]])
"""Interactions with 2 * 2 + 3 * 3 pairs of one user's items."""


def interactions_with_items(items, *, rows=5):
    return interactions([[1 + row % 2 for row in range(rows)]], items=items)


@pytest.mark.parametrize(
    ("largest", "refused", "reason"),
    [
        (
            (Ease(max_pairs=3), interactions_with_items(100_000)),
            (Ease(max_pairs=3), interactions_with_items(100_001)),
            "its limit is 3 pairs or 100,000 items, and there are 4 pairs of 100,001 items; item_knn has no limit",
        ),
        (
            (Blend(), interactions_with_items(500_000)),
            (Blend(), interactions_with_items(500_001)),
            "its limit is 500,000 items, and there are 500,001; the best single algorithm takes its place",
        ),
        (
            (Sasrec(), interactions_with_items(1_000_000, rows=5_000)),
            (Sasrec(), interactions_with_items(1_000_001, rows=5_000)),
            "its limit is 1,000,000 items, and there are 1,000,001; transitions reads the order too and has no limit",
        ),
        (
            (Sasrec(size=64, heads=64), interactions_with_items(400_000, rows=5_000)),
            (Sasrec(size=64, heads=64), interactions_with_items(400_001, rows=5_000)),
            "its vectors have 32 numbers, which 64 heads cannot share equally; change size or heads",
        ),
        (
            (Repurchase(max_interactions=5), interactions_with_items(2)),
            (Repurchase(max_interactions=4), interactions_with_items(2)),
            "its limit is 4 interactions, and there are 5; buy_again has no limit",
        ),
        # Sessions of 2 and 3 items have 4 + 9 pairs. The numbers of earlier items are 0, 1 and 0, 1, 2, with the
        # squares 1 + 1 + 4. In a large catalogue, all pairs may differ.
        (
            (Slist(max_pairs=4 + 9 + 1 + 1 + 4), dataclasses.replace(PAIR, items=100)),
            (Slist(max_pairs=18), dataclasses.replace(PAIR, items=100)),
            "its limit is 18 pairs of items, and there may be 19; transitions has no limit",
        ),
        # Repeated pairs of few items count once.
        (
            (Slist(max_pairs=3 * 3), PAIR),
            (Slist(max_pairs=8), PAIR),
            "its limit is 8 pairs of items, and there may be 9; transitions has no limit",
        ),
    ],
    ids=["ease", "blend", "sasrec", "heads of sasrec", "repurchase", "slist", "slist with few items"],
)
def test_algorithm_refuses_data_above_its_limit_with_an_alternative(largest, refused, reason):
    for (algorithm, data), expected in ((largest, None), (refused, reason)):
        assert algorithm.unsupported_reason(data) == expected


def test_sasrec_limit_depends_on_its_vector_size():
    assert Sasrec(size=256).unsupported_reason(interactions_with_items(500_001, rows=5_000)) is not None


def test_ease_accepts_any_number_of_items_with_few_pairs():
    assert Ease(max_pairs=4).unsupported_reason(interactions_with_items(1_000_000)) is None


@pytest.mark.parametrize("name", ["popularity", "buy_again", "repurchase", "transitions", "item_knn", "content"])
def test_linear_algorithm_accepts_any_size(name):
    assert known()[name].unsupported_reason(interactions_with_items(1_000_000)) is None


def test_training_of_one_refused_algorithm_fails_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(Ease, "unsupported_reason", lambda self, interactions: f"there are {interactions.items} items")

    with pytest.raises(InvalidInput, match=r"no algorithm can be fitted here: \{'ease': 'there are 15 items'\}"):
        run_training(tiny_shop(tmp_path / "dataset"), tmp_path / "model", algorithms="ease")


@pytest.mark.parametrize("refusing", [Ease, Blend])
def test_refused_algorithm_is_excluded_and_recorded(refusing, tmp_path, monkeypatch):
    monkeypatch.setattr(refusing, "unsupported_reason", lambda self, data: f"there are {data.items} items")

    manifest = run_training(
        tiny_shop(tmp_path / "dataset"), tmp_path / "model", algorithms=f"popularity,{refusing.name}"
    )

    assert manifest.algorithm == "popularity"
    assert manifest.metrics["left_out"] == {refusing.name: "there are 15 items"}
