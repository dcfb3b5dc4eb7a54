"""Nearest items of the model for a new item, computed by hand."""

from typing import Any

import numpy as np
import pytest

from alsolike.arrays.ragged import hashes_of
from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.runtime.errors import InvalidBundle
from alsolike.snapshot import content_index as module
from alsolike.snapshot.content_index import FORMAT, ContentIndex, Scales
from tests.unit.alsolike.content import cosines_one_by_one, index_of


def nearest(index, **properties):
    items, weights = index.nearest(properties)
    return dict(zip(items.tolist(), weights.round(6).tolist(), strict=True))


def test_neighbours_are_weighted_by_cosine_similarity():
    """Every token is in two of four items, so all tokens have equal weights.

    The vase shares two tokens, bowl and cup one each.
    """
    assert nearest(index_of(), colour="red", kind="glass") == {1: 0.5, 2: 0.25, 3: 0.25}


def test_rare_tokens_have_more_weight():
    """The catalogue has 8 items, 2 of glass and 4 in red. log(8/2) is twice log(8/4)."""
    items = {f"i{n}": {"kind": "glass"} if n < 2 else {"colour": "red"} if n < 6 else {} for n in range(8)}

    found = nearest(index_of(items), kind="glass", colour="red")

    # Cosines are proportional to log(4) ** 2 / log(4) and log(2) ** 2 / log(2), which is 2 to 1. Two items have the
    # first value, and four the second.
    assert found == pytest.approx({1: 2 / 8, 2: 2 / 8, 3: 1 / 8, 4: 1 / 8, 5: 1 / 8, 6: 1 / 8}, abs=1e-6)


def scales_of(index, *item_ids):
    return [float(scale) for scale in index.scales_of(hashes_of([item_id.encode() for item_id in item_ids]))]


def test_rare_items_have_another_scale_than_new_items():
    index = index_of(scales=Scales(new=3.0, rare=0.5), rare=["zither", "anvil"])

    assert scales_of(index, "zither", "new", "anvil") == [0.5, 3.0, 0.5]
    assert scales_of(index_of(scales=Scales(new=3.0, rare=0.5)), "zither") == [3.0]


def test_items_without_common_tokens_have_no_neighbours():
    assert nearest(index_of(), colour="green") == {}
    assert nearest(index_of()) == {}
    assert nearest(index_of({"a": {}, "b": {}}), colour="red") == {}


def test_equally_near_items_are_ordered_by_frequency():
    items: dict[str, dict[str, Any]] = {f"i{n}": {"kind": "glass" if n % 2 else "clay"} for n in range(60)}

    found, _ = index_of(items).nearest({"kind": "glass"})

    # The items i1, i3, ... have the positions 2, 4, ...
    assert found.tolist() == list(range(2, 2 + 2 * module.NEIGHBOURS, 2))


def test_comparisons_are_limited_and_rarest_tokens_come_first(monkeypatch):
    items: dict[str, dict[str, Any]] = {f"i{n}": {"kind": "glass"} if n < 2 else {"colour": "red"} for n in range(6)}
    monkeypatch.setattr(module, "MAX_PAIRS", 3)

    assert sorted(nearest(index_of(items), kind="glass", colour="red")) == [1, 2, 3]


@pytest.mark.parametrize("dense_items", [0, 10_000])
def test_batch_of_neighbours_equals_the_definition(monkeypatch, dense_items):
    """The new items include items with equal tokens, without known tokens, and with more pairs than the limit."""
    monkeypatch.setattr(module, "_DENSE_ITEMS", dense_items)
    monkeypatch.setattr(module, "MAX_PAIRS", 150)
    rng = np.random.default_rng(0)
    columns: list[dict[str, Any]] = [{"title": " ".join(rng.choice(list("abcdefgh"), 3))} for _ in range(2_500)]
    index, new = index_of({f"i{n}": each for n, each in enumerate(columns[:2_000])}), [*columns[2_000:], {"title": "z"}]

    found = list(index.nearest_of(new))

    assert len(found) == len(new) > module._BATCH_ITEMS
    for each, (items, weights) in zip(new, found, strict=True):
        cosines = cosines_one_by_one(index, each)
        expected = np.lexsort((np.arange(len(cosines)), -cosines.round(6)))[: module.NEIGHBOURS]
        expected = expected[cosines[expected] > 0]
        assert sorted(cosines[items].round(6), reverse=True) == cosines[expected].round(6).tolist()
        np.testing.assert_allclose(weights, cosines[items] / max(cosines[items].sum(), 1e-9), rtol=1e-5)


def test_equal_tokens_are_compared_once(monkeypatch):
    compared = []
    by_tokens = ContentIndex._by_tokens

    def counted(self, tokens):
        compared.append(tokens)
        return by_tokens(self, tokens)

    monkeypatch.setattr(ContentIndex, "_by_tokens", counted)

    found = list(index_of().nearest_of([{"colour": "red"}, {"colour": "Red"}, {"kind": "clay"}]))

    assert [items.tolist() for items, _ in found] == [[1, 2], [1, 2], [2, 4]]
    assert len(compared) == 2


def test_index_knows_the_items_of_the_model():
    known = index_of().knows(hashes_of([b"vase", b"spoon", b"jug"]))

    assert known.tolist() == [True, False, True]


def test_index_gives_the_same_neighbours_after_write_and_read(tmp_path):
    index = index_of(scales=Scales(new=2.5, rare=0.1), rare=["zither", "anvil"])
    index.write(tmp_path / "content.tensors")

    found = ContentIndex.map(tmp_path / "content.tensors")

    assert found.scales == Scales(new=2.5, rare=0.1)
    assert scales_of(found, "zither", "new", "anvil") == pytest.approx([0.1, 2.5, 0.1])
    assert nearest(found, colour="red", kind="glass") == nearest(index, colour="red", kind="glass")
    np.testing.assert_array_equal(found.item_hashes, index.item_hashes)


def test_index_with_one_scale_uses_it_for_all_items(tmp_path):
    path = tmp_path / "content.tensors"
    index_of(rare=["zither"]).write(path)
    arrays, _ = map_tensors(path)
    arrays = {name: np.array(array) for name, array in arrays.items() if name != "rare"}
    with path.open("wb") as file:
        write_tensors(file, arrays, metadata={"format": FORMAT, "scale": "2.5"})

    found = ContentIndex.map(path)

    assert scales_of(found, "zither", "new") == [2.5, 2.5]
    assert nearest(found, colour="red", kind="glass") == {1: 0.5, 2: 0.25, 3: 0.25}


def test_index_metadata_has_the_smaller_scale_for_earlier_versions(tmp_path):
    index_of(scales=Scales(new=4.0, rare=0.25)).write(tmp_path / "content.tensors")

    _, metadata = map_tensors(tmp_path / "content.tensors")

    assert (metadata["format"], metadata["scale"]) == (FORMAT, "0.25")


@pytest.mark.parametrize("data", [b"", b"x" * 100])
def test_invalid_index_is_refused(tmp_path, data):
    (tmp_path / "content.tensors").write_bytes(data)

    with pytest.raises(InvalidBundle, match=r"^content\.tensors is not a valid content index"):
        ContentIndex.map(tmp_path / "content.tensors")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("holders", lambda array: array + 1_000_000),
        ("holders", lambda array: array - 9),
        ("holders", lambda array: array[:-1]),
        ("holders.offsets", lambda array: array[::-1]),
        ("holders.offsets", lambda array: np.r_[array[0], array[-1], array[1:-2], array[-1]].astype(np.uint32)),
        ("holders.offsets", lambda array: array[:0]),
        ("norms", lambda array: array[:0]),
        ("idf", lambda array: array[:-1]),
        ("items", lambda array: array[:-1]),
    ],
)
def test_index_with_inconsistent_arrays_is_refused(tmp_path, name, change):
    path = tmp_path / "content.tensors"
    index_of().write(path)
    arrays, metadata = map_tensors(path)
    changed = {**{key: np.array(array) for key, array in arrays.items()}, name: change(np.array(arrays[name]))}
    with path.open("wb") as file:
        write_tensors(file, changed, metadata=metadata)

    with pytest.raises(InvalidBundle, match=r"^content\.tensors is not a valid content index"):
        ContentIndex.map(path)
