import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

from model_export.algorithms import item_knn, transitions
from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel, source_blocks
from model_export.algorithms.item_knn import ItemKnn
from model_export.algorithms.transitions import Transitions
from tests.unit.model_export.shops import history, interactions, random_sequences


def shop():
    sequences = random_sequences(users=30, items=12, length=9)
    data = interactions([each[: 1 + user % 9] for user, each in enumerate(sequences)], items=14)
    return dataclasses.replace(data, weight=2.0 ** (np.arange(len(data)) % 3).astype(np.float32))


def counted_by_pair(data, settings):
    counts = np.zeros((data.items + 1, data.items + 1), np.float32)
    for a in range(len(data)):
        for b in range(a + 1, min(len(data), a + settings.max_gap + 1)):
            if data.user[a] == data.user[b]:
                value = data.weight[b] * settings.gap_decay ** (b - a - 1)
                counts[data.item[a], data.item[b]] += value
                counts[data.item[b], data.item[a]] += value * settings.backward
    return counts


def table(*rows):
    return sp.csr_array(np.array(rows, np.float32))


@pytest.mark.parametrize("rows_at_once", [1, 7, 1 << 17])
def test_transitions_in_blocks_equal_transitions_by_pair(rows_at_once, monkeypatch):
    monkeypatch.setattr(transitions, "BATCH_ROWS", rows_at_once)
    data, settings = shop(), Transitions(gap_decay=0.5, backward=0.25, source_power=0.0, max_gap=3, repeats=True)

    model = dataclasses.replace(settings, position_decay=1.0).fit(data)

    found = np.concatenate([model.score(history(item)) for item in range(15)])
    assert found.tolist() == counted_by_pair(data, settings).tolist()  # Sums of halves and quarters are exact.


@pytest.mark.parametrize(
    ("module", "algorithm"), [(transitions, Transitions(targets=4)), (item_knn, ItemKnn(targets=4))]
)
def test_block_size_does_not_change_the_model(module, algorithm, monkeypatch):
    whole = algorithm.fit(shop())

    monkeypatch.setattr(module, "BATCH_ROWS", 5)

    parts = algorithm.fit(shop())
    assert isinstance(whole, ItemRowsModel)
    assert isinstance(parts, ItemRowsModel)
    assert parts.rows.target.tolist() == whole.rows.target.tolist()
    np.testing.assert_allclose(parts.rows.value, whole.rows.value, rtol=1e-6)


def test_blocks_have_at_most_the_limit_or_one_item():
    blocks = source_blocks(np.array([0, 2, 2, 1, 9, 0, 3]), maximum=4)

    assert list(blocks) == [range(1, 3), range(3, 4), range(4, 5), range(5, 7)]


def test_strongest_targets_are_kept_and_ties_go_to_lower_positions():
    blocks = [table([0, 0, 1, 2, 1]), table([0, 0, 0, 0, 0], [0, -1, 0.5, 0, 0])]

    rows = ItemRows.strongest(blocks, sources=np.array([1, 2, 4], np.int32), items=4, n=2)

    assert rows.row_of.tolist() == [0, 1, 2, 0, 3]
    assert rows.target.tolist() == [[0, 0], [3, 2], [0, 0], [2, 0]]
    assert rows.value.tolist() == [[0, 0], [2, 1], [0, 0], [0.5, 0]]


def test_table_width_is_that_of_its_longest_row():
    rows = ItemRows.from_blocks([table([0, 0, 3], [0, 4, 0])], items=2, n=100)

    assert (rows.target.tolist(), rows.value.tolist()) == ([[0], [2], [1]], [[0], [3], [4]])


def test_blocks_without_every_source_are_refused():
    with pytest.raises(ValueError, match="the blocks have 1 rows, expected one for each of 2 sources"):
        ItemRows.from_blocks([table([0, 1, 0])], items=2, n=1)
