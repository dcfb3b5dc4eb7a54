import numpy as np
import pytest

from alsolike.arrays.ragged import hashes_of
from alsolike.catalogue.changes import Change
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.snapshot.cold_items import LISTED, NO_COLD_ITEMS, ColdItems, ColdScorer
from alsolike.snapshot.content_index import Scales
from tests.unit.alsolike.content import index_of


def cold(*changes):
    """Return cold items with neighbours among vase (1), bowl (2), cup (3) and jug (4)."""
    return ColdItems.of(changes, index_of())


def by_id(items, *item_ids):
    found = {hash_: items.neighbours[row].tolist() for row, hash_ in enumerate(items.hashes.tolist())}
    return {i: found[h] for i, h in zip(item_ids, hashes_of([i.encode() for i in item_ids]).tolist(), strict=True)}


def scores(items, *, positions, listed):
    found = ColdScorer(items, items=4).scores(np.array(positions, np.int64), np.array(listed, np.float32))
    return [round(score, 6) for score in found.tolist()]


def test_changed_item_has_the_neighbours_of_its_latest_change():
    items = cold(Change("new", 2, {"colour": "red"}), Change("new", 1, {"colour": "blue"}))

    assert by_id(items, "new") == {"new": [1, 2]}


def test_deleted_items_are_not_cold_items():
    assert len(cold(Change("new", 1, None))) == 0


def test_earlier_change_does_not_replace_a_later_one():
    later, earlier = cold(Change("new", 2, {"colour": "red"})), cold(Change("new", 1, {"colour": "blue"}))

    for parts in ([later, earlier], [earlier, later]):
        assert by_id(ColdItems.merge(parts), "new") == {"new": [1, 2]}


def test_newest_keeps_the_items_changed_last():
    items = cold(*(Change(f"i{at}", at, {"colour": "red"}) for at in (3, 1, 2)))

    kept = items.newest(2)

    assert sorted(kept.updated_at_ms.tolist()) == [2, 3]
    assert kept.hashes.tolist() == sorted(hashes_of([b"i3", b"i2"]).tolist())


def test_score_is_the_weighted_mean_of_neighbour_scores():
    """The neighbours are the vase with a weight of 1/2, and bowl and cup with 1/4 each.

    The list does not contain the bowl.
    """
    items = cold(Change("new", 1, {"colour": "red", "kind": "glass"}))

    assert scores(items, positions=[1, 3], listed=[0.8, 0.4]) == [0.8 * 1 / 2 + 0.4 * 1 / 4]


def test_score_is_multiplied_by_the_scale_of_new_or_rare_items():
    """Both items have vase and bowl as neighbours, with 1/2 each.

    The training's catalogue contained the zither, which was too rare for the model.
    """
    index = index_of(scales=Scales(new=3.0, rare=0.5), rare=["zither"])
    changes = [Change("zither", 1, {"colour": "red"}), Change("new", 1, {"colour": "red"}), Change("odd", 1, {})]

    items = ColdItems.of(changes, index)

    single_scores = scores(items, positions=[1], listed=[0.8])
    hashes = hashes_of([b"zither", b"new", b"odd"]).tolist()
    assert [single_scores[items.hashes.tolist().index(each)] for each in hashes] == [
        pytest.approx(0.8 * 1 / 2 * 0.5), pytest.approx(0.8 * 1 / 2 * 3), 0.0,
    ]  # fmt: skip


def test_item_without_a_listed_neighbour_scores_0():
    items = cold(Change("new", 1, {"colour": "red"}), Change("odd", 1, {"colour": "green"}))

    assert scores(items, positions=[3, 4], listed=[1.0, 0.5]) == [0.0, 0.0]
    assert scores(items, positions=[], listed=[]) == [0.0, 0.0]


def test_only_the_first_listed_items_are_used():
    items = cold(Change("new", 1, {"colour": "red"}))
    positions = [3] * LISTED + [1]

    assert scores(items, positions=positions, listed=[1.0] * len(positions)) == [0.0]


def test_empty_cold_items_have_no_scores():
    assert scores(NO_COLD_ITEMS, positions=[1], listed=[1.0]) == []


def test_cold_items_are_unchanged_after_write_and_read(tmp_path):
    items = cold(Change("new", 2, {"colour": "red"}), Change("odd", 1, {}))
    with (tmp_path / "cold").open("wb") as file:
        items.write(file)

    found = ColdItems.map(tmp_path / "cold")

    assert by_id(found, "new", "odd") == {"new": [1, 2], "odd": []}
    assert scores(found, positions=[1], listed=[1.0]) == scores(items, positions=[1], listed=[1.0])


def test_file_that_is_not_cold_items_is_refused(tmp_path):
    index_of().write(tmp_path / "content")

    with pytest.raises(InvalidSnapshot, match=r"^content has format 'alsolike-content-1'"):
        ColdItems.map(tmp_path / "content")
