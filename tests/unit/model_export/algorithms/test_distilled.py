"""Item-to-item table that is distilled from several models."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from model_export import algorithms
from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.distilled import MAX_ITEMS, POSITION_DECAYS, Distilled
from model_export.algorithms.popularity import Popularity
from model_export.algorithms.repurchase import Repurchase
from model_export.algorithms.transitions import Transitions
from model_export.api import Model
from tests.unit.model_export.networks import SMALL, untrained
from tests.unit.model_export.shops import history, interactions, judge_by, random_sequences

NEXT_ITEM = Transitions(max_gap=1, backward=0.0, source_power=0.0)
DATA = interactions([[1, 2], [1, 2], [1, 3], [2, 3], [3, 1]])
COUNTS = np.array([[0, 0, 0, 0], [0, 0, 2, 1], [0, 0, 0, 1], [0, 1, 0, 0]])
"""Numbers of pairs that `NEXT_ITEM` counts in `DATA`, by source and target."""


def judge(wanted, histories):
    """Return a judge that measures the share of the item `wanted` in the sum of all scores."""
    return judge_by(histories, lambda total: float((total[:, wanted] / np.maximum(total.sum(axis=1), 1e-9)).mean()))


def rows_of(model):
    return np.concatenate([model.score(history(item)) for item in range(model.items + 1)])


def table_of(*parts, targets=100, power=1.0):
    return rows_of(Distilled(parts=parts, targets=targets, power=power).fit(DATA))


def test_table_is_the_weighted_sum_of_normalised_tables():
    table = table_of((BuyAgain(again_power=0.0, demand_power=0.0), 0.5), (NEXT_ITEM, 2.0))

    # Counts sum to 5 and seen items to 3, and there are 3 items.
    np.testing.assert_allclose(table, 2.0 * COUNTS * 3 / 5 + 0.5 * np.diag([0, 1, 1, 1]), rtol=1e-6)


def test_power_compresses_table_values():
    table = table_of((NEXT_ITEM, 1.0), power=0.5)

    np.testing.assert_allclose(table, np.sqrt(COUNTS) * 3 / (np.sqrt(2) + 3), rtol=1e-6)


@pytest.mark.parametrize(("power", "first"), [(1.0, 3), (0.5, 4)])
def test_power_favours_items_that_follow_several_items(power, first):
    # Item 3 follows item 1 three times. Item 4 follows items 1 and 2 once each.
    data = interactions([[1, 3], [1, 3], [1, 3], [1, 4], [2, 4]])

    model = Distilled(parts=((NEXT_ITEM, 1.0),), power=power, position_decay=1.0).fit(data)

    assert model.score(history(1, 2)).argmax() == first


def test_largest_targets_of_each_item_are_kept():
    assert table_of((NEXT_ITEM, 1.0), targets=1)[1].astype(bool).tolist() == [False, False, True, False]


def test_table_of_a_network_has_its_scores_of_single_items():
    network = untrained(SMALL, items=30)

    model = Distilled(parts=((network.settings, 1.0),), targets=4, power=1.0).combine([network])

    scores, table = rows_of(network)[1:], rows_of(model)[1:]
    assert [np.flatnonzero(row).tolist() for row in table] == [sorted(np.argsort(-row)[:4].tolist()) for row in scores]
    np.testing.assert_allclose(table[table > 0] * scores[table > 0].sum() / 30, scores[table > 0], rtol=1e-5)


@pytest.mark.parametrize("algorithm", [Popularity(), BuyAgain(), Repurchase(), NEXT_ITEM], ids=lambda each: each.name)
def test_single_item_scores_equal_scores_of_single_item_histories(algorithm, monkeypatch):
    model = algorithm.fit(DATA)
    expected = rows_of(model)[1:]
    monkeypatch.delattr(type(model), "score")

    table = model.single_item_scores(maximum=3)

    assert table.dtype == np.float32
    np.testing.assert_allclose(table.toarray()[1:], expected, rtol=1e-6)


def test_model_without_scores_adds_nothing():
    nothing = NEXT_ITEM.fit(interactions([[1], [2], [3]]))
    counted = Popularity().fit(DATA)
    settings = Distilled(parts=((nothing.settings, 1.0), (counted.settings, 1.0)))

    table = rows_of(settings.combine([nothing, counted]))

    np.testing.assert_allclose(table, rows_of(Distilled(parts=settings.parts[1:]).combine([counted])))


@pytest.mark.parametrize(("wanted", "parts"), [(2, ["transitions"]), (1, ["buy_again"])])
def test_search_selects_the_part_that_scores_the_target(wanted, parts):
    tuned = {"transitions": NEXT_ITEM.fit(DATA), "buy_again": BuyAgain().fit(DATA)}

    settings = Distilled().search(tuned, judge(wanted, lambda _: history(1)))

    assert [part.name for part in settings.components()] == parts


@pytest.mark.parametrize(("wanted", "decay"), [(3, min(POSITION_DECAYS)), (2, max(POSITION_DECAYS))])
def test_search_selects_the_position_decay(wanted, decay):
    data = interactions([[1, 2], [3, 4]])
    tuned = {"buy_again": BuyAgain(position_decay=0.8).fit(data)}

    settings = Distilled().search(tuned, judge(wanted, lambda _: history(2, 3)))

    assert settings.position_decay == decay


def test_search_selects_the_half_life():
    tuned: dict[str, Model] = {
        "buy_again": BuyAgain(half_life_days=30.0).fit(DATA),
        "transitions": Transitions(half_life_days=120.0, backward=0.0).fit(DATA),
    }

    def histories(days):
        return history(1, 2, weights=[0.5 if days == 120.0 else 0.1, 1.0])

    assert Distilled().search(tuned, judge(1, histories)).half_life_days == 120.0


def test_distilled_is_compared_only_by_name():
    assert "distilled" in algorithms.named("distilled")
    assert algorithms.known().keys() - algorithms.by_default().keys() == {"distilled"}


def test_distilled_without_parts_cannot_be_fitted():
    with pytest.raises(ValueError, match="no parts"):
        Distilled().fit(DATA)


def test_distilled_is_limited_by_the_number_of_items():
    assert Distilled().unsupported_reason(dataclasses.replace(DATA, items=MAX_ITEMS)) is None
    assert Distilled().unsupported_reason(dataclasses.replace(DATA, items=MAX_ITEMS + 1)) == (
        "its limit is 100,000 items, and there are 100,001; transitions has no limit"
    )


def test_description_has_the_parts_and_settings():
    settings = Distilled(parts=((BuyAgain(), 0.4), (Transitions(), 1.0)))

    assert settings.describe() == "0.4 buy_again + 1 transitions; half_life_days inf, position_decay 0.6"


def test_distilled_model_has_the_size_of_one_table():
    data = interactions(random_sequences(users=60, items=30, length=10))

    model = Distilled(parts=((BuyAgain(), 1.0), (Transitions(), 0.5)), targets=7).fit(data)

    assert isinstance(model, ItemRowsModel)
    assert model.rows.value.shape == (31, 7)


def test_item_rows_are_converted_back_to_their_table():
    table = sp.csr_array(np.array([[0, 2, 1], [0, 0, 0], [3, 0, 0]], np.float32))

    rows = ItemRows.strongest([table], sources=np.array([1, 2, 3], np.int32), items=3, n=1)

    assert rows.table().toarray().tolist() == [[0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]]
