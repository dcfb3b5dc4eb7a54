"""Items that the champion does not contain, which are published with their nearest items of the champion."""

import sys

import pytest

from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.files import CONTENT_FILE
from alsolike.snapshot.content_index import UNSCALED, Scales
from tests.builders.sentence_model import ITEMS, sentence_model
from tests.unit.functions.publish_catalog.changes import deliver, notify, record

COLOURS = {"vase": {"colour": "red"}, "bowl": {"colour": "red"}, "cup": {"colour": "blue"}, "jug": {"colour": "blue"}}


@pytest.fixture
def make_champion(world, tmp_path):
    def made(items, *, content=True, sentences=False, scales=UNSCALED, rare=()):
        world.serve(
            item_ids=list(items),
            popular=[next(iter(items))],
            properties=items,
            sentences=sentence_model(tmp_path / "sentences") if sentences else None,
            scales=scales,
            rare=rare,
            damage=None if content else lambda folder: (folder / CONTENT_FILE).unlink(),
        )

    return made


@pytest.fixture
def neighbours(snapshot):
    """Return a function that returns the positions of the nearest items of the champion, per cold item."""

    def found():
        cold = snapshot().cold
        return [] if cold is None else [cold.neighbours[row].tolist() for row in range(len(cold))]

    return found


def test_new_item_has_a_larger_scale_than_a_rare_item(context, make_champion, snapshot):
    make_champion(COLOURS, scales=Scales(new=3.0, rare=0.75), rare=["spoon"])

    deliver(context, record("spoon", 1, colour="red"), record("plate", 2, colour="red"))

    cold = snapshot().cold
    row_of = {hash_: row for row, hash_ in enumerate(cold.hashes.tolist())}
    (spoon, spoons), (plate, plates) = (cold.nearest(row_of[each]) for each in hashes_of([b"spoon", b"plate"]).tolist())
    assert spoon.tolist() == plate.tolist() == [1, 2]
    assert (spoons.tolist(), plates.tolist()) == ([0.75 / 2] * 2, [3.0 / 2] * 2)


def test_new_champion_adds_neighbours_of_its_unknown_items(context, make_champion, snapshot, neighbours):
    deliver(context, record("vase", 1, colour="red"), record("plate", 2, colour="blue"))
    assert snapshot().cold is None
    make_champion(COLOURS)

    notify(context)

    assert neighbours() == [[3, 4]]


@pytest.mark.parametrize(("sentences", "nearest"), [(True, [1]), (False, [])])
def test_new_item_has_neighbours_by_title_with_a_sentence_model(
    context, make_champion, neighbours, counted, sentences, nearest
):
    make_champion(ITEMS, sentences=sentences)

    deliver(context, record("couch", 1, title="Couch"))

    assert neighbours() == [nearest]
    assert counted()["ColdItemsCompared"] == 1


def test_changes_are_published_without_neighbours_if_tokenizers_is_missing(
    context, make_champion, snapshot, neighbours, counted, monkeypatch
):
    make_champion(ITEMS, sentences=True)
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    deliver(context, record("couch", 1, title="grey couch"))

    assert dict(snapshot().items()) == {"couch": {"title": "grey couch"}}
    assert neighbours() == []
    assert counted()["ColdItemsFailed"] == 1


def test_changes_are_published_without_a_content_index(context, make_champion, snapshot, counted):
    make_champion(COLOURS, content=False)

    deliver(context, record("plate", 1))

    assert dict(snapshot().items()) == {"plate": {}}
    assert counted()["ColdItemsFailed"] == 1
