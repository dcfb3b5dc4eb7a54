import io
import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.arrays.mapped import write_strings
from alsolike.bundle import bundle, files
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.bundle import Bundle
from alsolike.bundle.graph_tables import graph_tables, write_tables_index
from alsolike.bundle.popular_groups import PopularGroups
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import KINDS, SIMILAR, TOGETHER, RelatedItems
from alsolike.bundle.reranker import write_reranker
from alsolike.runtime.errors import InvalidBundle
from tests.builders.bundles import without_later_files
from tests.builders.related import related_table
from tests.unit.alsolike.manifests import manifest
from tests.unit.alsolike.records import ids


def write(directory, item_ids):
    """Write a bundle. Its graphs are arbitrary bytes, because no test in this file runs a graph."""
    directory.mkdir()
    for name in (files.GRAPH_FILE, files.BIAS_GRAPH_FILE, files.DATA_FILE, files.CONTENT_FILE):
        (directory / name).write_bytes(name.encode())
    write_tables_index(directory, {"letters": (np.frombuffer(b"raph", np.uint8).reshape(2, 2), 1)})
    PopularGroups([]).write(directory / files.GROUPS_FILE)
    RelatedItems.none(len(item_ids)).write(directory / files.RELATED_FILE)
    ActionModel.none().write(directory / files.ACTIONS_FILE)
    PublicLists.none(len(item_ids)).write(directory / files.PUBLIC_FILE)
    write_reranker(None, directory / files.RERANKER_FILE)
    bundle.write_ids(directory, item_ids)
    bundle.write_meta(directory, ({"title": f"title of {item_id}"} for item_id in item_ids))
    bundle.write_popular(directory, np.arange(len(item_ids), 0, -1))
    bundle.write_manifest(directory, manifest(items=len(item_ids)))
    return directory


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bundles") / "v1", ["a", "ü😀", "b\x00"])


@pytest.fixture
def directory(written, tmp_path):
    """Return a private copy of the bundle that a test may damage."""
    return Path(shutil.copytree(written, tmp_path / "v1"))


def test_ids_and_metadata_are_found_by_position(written):
    opened = Bundle(written)

    opened.check_contents()
    assert [opened.item_id(position) for position in range(4)] == ["", "a", "ü😀", "b\x00"]
    assert (opened.metadata(2), opened.metadata(0)) == ({"title": "title of ü😀"}, {})
    assert opened.popular.tolist() == [3, 2, 1]
    assert opened.popular.dtype == np.int32


def test_positions_are_found_by_id_and_0_means_unknown(written):
    opened = Bundle(written)

    assert opened.positions(["b\x00", "zz", "a", "", "ü😀", "a", "b"]).tolist() == [3, 0, 1, 0, 2, 1, 0]
    assert opened.positions([]).shape == (0,)
    assert opened.positions([]).dtype == np.int64


def test_lookups_do_not_depend_on_cached_ids(written, monkeypatch):
    monkeypatch.setattr(bundle, "KEPT", 2)
    opened = Bundle(written)
    numbers = {"a": 1, "ü😀": 2, "b\x00": 3}

    for requested in (["a"], ["a", "b\x00", "zz"], ["ü😀", "a", "zz"], ["b\x00"]):
        places = [numbers.get(item_id, 0) for item_id in requested]
        assert opened.positions(requested).tolist() == places
        assert len(opened._positions) <= 2
        assert "zz" not in opened._positions
    for positions, item_ids in (
        ([3, 1], ["b\x00", "a"]), ([1, 2, 0], ["a", "ü😀", ""]), ([2, 3, 2], ["ü😀", "b\x00", "ü😀"])
    ):  # fmt: skip
        assert opened.item_ids(positions) == item_ids
        assert len(opened._ids_kept) <= 2


@settings(max_examples=30)
@given(st.lists(ids, min_size=1, max_size=30, unique=True), st.lists(ids, max_size=5))
def test_every_known_id_is_found_and_unknown_ids_are_not(tmp_path_factory, item_ids, others):
    directory = tmp_path_factory.mktemp("any") / "v1"
    opened = Bundle(write(directory, item_ids))

    positions = opened.positions([*item_ids, *others])

    expected = {item_id: position for position, item_id in enumerate(item_ids, 1)}
    assert positions.tolist() == [expected.get(item_id, 0) for item_id in [*item_ids, *others]]
    assert [opened.item_id(position) for position in range(1, len(item_ids) + 1)] == item_ids
    shutil.rmtree(directory)


def test_unknown_id_with_the_hash_of_a_known_id_is_unknown(tmp_path, monkeypatch):
    def hash_of_length(blobs):
        return np.array([len(blob) for blob in blobs], "<u8")

    monkeypatch.setattr(bundle, "hashes_of", hash_of_length)
    opened = Bundle(write(tmp_path / "v1", ["a", "bb"]))

    assert opened.positions(["a", "x", "bb", "yy"]).tolist() == [1, 0, 2, 0]
    with pytest.raises(InvalidBundle, match="items 'a' and 'x' have the same hash"):
        bundle.write_ids(tmp_path, ["a", "bb", "x"])


@pytest.mark.parametrize(
    ("item_ids", "message"),
    [
        ([], "a bundle needs at least one item"),
        (["a", "b", "a"], "items 'a' and 'a' have the same hash; an id may stand only once"),
        (["a", ""], "the item at position 2 has an empty id"),
    ],
)
def test_ambiguous_item_ids_are_refused(tmp_path, item_ids, message):
    with pytest.raises(InvalidBundle, match=message):
        bundle.write_ids(tmp_path, item_ids)


def test_at_most_500_popular_items_are_stored(tmp_path):
    bundle.write_popular(tmp_path, np.arange(1, 700))

    assert np.load(tmp_path / "popular.npy").tolist() == list(range(1, 501))


@pytest.mark.parametrize("name", files.FILES)
def test_flipped_bit_in_any_file_is_detected(directory, name):
    content = bytearray((directory / name).read_bytes())
    content[-1] ^= 1
    (directory / name).write_bytes(content)

    with pytest.raises(InvalidBundle, match=rf"^{name} is .*sha256.*, manifest.json says "):
        Bundle(directory, files=files.FILES)


def test_file_not_used_by_serving_may_be_missing(directory):
    (directory / files.CONTENT_FILE).unlink()

    assert Bundle(directory).manifest.items == 3
    with pytest.raises(InvalidBundle, match=files.CONTENT_FILE):
        Bundle(directory, files=files.FILES)


def test_related_items_are_read_by_type_and_position(directory):
    similar, together = related_table([[(3, 0.5)], [], []]), related_table([[], [(1, 0.25)], []])
    RelatedItems({SIMILAR: similar, TOGETHER: together}).write(directory / files.RELATED_FILE)
    bundle.write_manifest(directory, manifest())

    opened = Bundle(directory)

    assert opened.has_related
    assert [each.tolist() for each in opened.related(SIMILAR, 1)] == [[3], [0.5]]
    assert [each.tolist() for each in opened.related(TOGETHER, 2)] == [[1], [0.25]]
    assert [each.tolist() for each in opened.related(TOGETHER, 0)] == [[], []]


def test_older_bundle_is_read_without_related_items(directory):
    without_later_files(directory)

    opened = Bundle(directory, files=files.FILES)

    assert not opened.has_related
    related = {kind: [values.tolist() for values in opened.related(kind, 1)] for kind in KINDS}
    assert related == {SIMILAR: [[], []], TOGETHER: [[], []]}
    assert opened.manifest.files_of(files.FILES) == [name for name in files.FILES if name not in files.LATER_FILES]


def test_related_items_of_another_model_are_refused(directory):
    RelatedItems.none(4).write(directory / files.RELATED_FILE)
    bundle.write_manifest(directory, manifest())

    with pytest.raises(InvalidBundle, match=r"related\.tensors has similar of 4 items, the model has 3"):
        Bundle(directory)


def saved(array):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array))
    return buffer.getvalue()


def claiming(shape, *, dtype="<i4"):
    """Return an array file whose header declares this shape, with few elements."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


def popular_groups(items):
    return orjson.dumps({"groups": [{"column": "plan", "value": "gold", "users": 40, "items": items}]})


POPULAR, HASHES, POSITIONS, OFFSETS = files.POPULAR_FILE, "ids.hash.npy", "ids.idx.npy", "ids.off.npy"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (POPULAR, saved(np.array([999_999], np.int32))),
        (POPULAR, saved(np.array([4], np.int32))),
        (POPULAR, saved(np.array([0], np.int32))),
        (POPULAR, saved(np.array([-1, 1], np.int32))),
        (POPULAR, saved(np.array([[1, 2], [3, 1]], np.int32))),
        (POPULAR, saved(np.array(1, np.int32))),
        (POPULAR, saved(np.array([1, 2], np.int64))),
        (POPULAR, saved(np.array([1.0], np.float32))),
        (POPULAR, saved(np.array(["a"]))),
        (POPULAR, saved(np.ones(bundle.MAX_POPULAR + 1, np.int32))),
        (POPULAR, claiming("(1000000000000,)")),
        (POPULAR, claiming("(1" + "0" * 30 + ",)")),
        (POPULAR, claiming("(-1,)")),
        (POPULAR, claiming("(4611686018427387904, 4)")),
        (POPULAR, claiming("'many'")),
        (POPULAR, claiming("(1,)", dtype="|O")),
        (POPULAR, b"PK\x03\x04 an archive"),
        (files.GROUPS_FILE, popular_groups([4])),
        (files.GROUPS_FILE, popular_groups([1, 0])),
        (HASHES, claiming("(1000000000000,)", dtype="<u8")),
        (HASHES, saved(np.array([1, 2, 3], np.int64))),
        (HASHES, saved(np.ones((4, 1), np.uint64))),
        (POSITIONS, saved(np.array([1, 2, 4], np.int32))),
        (POSITIONS, saved(np.array([0, 1, 2], np.int32))),
        (POSITIONS, saved(np.array([1, 2], np.int32))),
        (POSITIONS, saved(np.array([1, 2, 3], np.float64))),
        (OFFSETS, saved(np.array([0, 0, 1, 2, 3], np.float64))),
        (OFFSETS, claiming("(1000000000000,)", dtype="<i8")),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")  # numpy warns about a size that is too large.
def test_array_with_wrong_type_shape_range_or_size_is_refused(directory, name, content):
    (directory / name).write_bytes(content)
    bundle.write_manifest(directory, manifest())

    with pytest.raises(InvalidBundle):
        Bundle(directory)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ids.blob", b"a\xff\xbc\xf0\x9f\x98\x80b\x00", "ids or metadata at positions 1 to 3 are unreadable"),
        ("ids.blob", b"c\xc3\xbc\xf0\x9f\x98\x80b\x00", "ids at positions 1 to 3 are not found by their hashes"),
        ("ids.blob", b"a", "expected ascending ones from 0 to 1, the size of ids.blob"),
        (HASHES, saved(np.array([1, 2, 3], np.uint64)), "ids at positions 1 to 3 are not found by their hashes"),
        (HASHES, saved(np.array([2, 2, 3], np.uint64)), "ids.hash.npy is not ascending"),
        (POSITIONS, saved(np.array([1, 1, 1], np.int32)), "ids at positions 1 to 3 are not found by their hashes"),
        ("meta.blob", b"{", "the size of meta.blob"),
        (OFFSETS, saved(np.array([0, 0, 9, 2, 9], np.int64)), "ids.off.npy has offsets from 0 to 9"),
        (OFFSETS, saved(np.array([0, 0, 1, 2, 3], np.int64)), "ids.off.npy has offsets from 0 to 3"),
        (OFFSETS, saved(np.array([1, 1, 2, 3, 9], np.int64)), "ids.off.npy has offsets from 1 to 9"),
        (OFFSETS, saved(np.array([0, 0, 0, 2, 9], np.int64)), "ids"),
        (OFFSETS, saved(np.zeros(0, np.int64)), "ids.off.npy is empty"),
    ],
)
def test_bundle_with_invalid_ids_and_valid_checksums_is_refused(directory, name, content, message):
    (directory / name).write_bytes(content)
    bundle.write_manifest(directory, manifest())

    with pytest.raises(InvalidBundle, match=message):
        Bundle(directory)


def test_bundle_with_non_object_metadata_is_refused(directory):
    write_strings(directory, "meta", [b"{}", b"{}", b"[1]", b"{}"])
    bundle.write_manifest(directory, manifest())

    with pytest.raises(InvalidBundle, match="metadata at positions 1 to 3 has a record that is no JSON object"):
        Bundle(directory)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [("item-\xff001", "unreadable"), ("item-x001", "not found by their hashes")],
)
def test_content_check_reads_items_that_opening_does_not_read(tmp_path, damaged, message):
    directory = write(tmp_path / "v1", [f"item-{number:04d}" for number in range(2_500)])
    blob = (directory / "ids.blob").read_bytes()
    (directory / "ids.blob").write_bytes(blob.replace(b"item-0001", damaged.encode("latin-1")))
    bundle.write_manifest(directory, manifest(items=2_500))
    opened = Bundle(directory)

    with pytest.raises(InvalidBundle, match=message):
        opened.check_contents()

    assert isinstance(opened.item_id(2), str)
    assert opened.positions(["item-0001"]).tolist() == [0]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(
    "name", [*files.ID_FILES, *files.META_FILES, files.POPULAR_FILE, files.GROUPS_FILE, files.RELATED_FILE]
)
def test_missing_or_empty_file_is_refused(directory, name, verify):
    (directory / name).write_bytes(b"")
    with pytest.raises(InvalidBundle):
        Bundle(directory, verify=verify)

    (directory / name).unlink()
    with pytest.raises(InvalidBundle, match=name):
        Bundle(directory, verify=verify)


def test_directory_without_a_manifest_is_refused(directory):
    (directory / "manifest.json").unlink()

    with pytest.raises(InvalidBundle, match=r"has no manifest\.json"):
        Bundle(directory)


def test_manifest_of_an_incomplete_bundle_is_not_written(directory):
    (directory / "manifest.json").unlink()
    (directory / "graph.data").unlink()

    with pytest.raises(InvalidBundle, match=r"graph\.data is missing from"):
        bundle.write_manifest(directory, manifest())
    assert not (directory / "manifest.json").exists()


@pytest.mark.parametrize("items", [2, 4])
def test_arrays_with_another_length_than_the_manifest_are_refused(directory, items):
    bundle.write_manifest(directory, manifest(items=items))

    with pytest.raises(InvalidBundle, match=rf"ids hold 3 items, manifest\.json says {items}"):
        Bundle(directory)


@pytest.mark.parametrize("stated", [None, "x", {}, {"sha256": "x"}])
def test_file_without_its_checksum_is_refused(directory, stated):
    document = orjson.loads((directory / "manifest.json").read_bytes())
    document["files"]["ids.blob"] = stated
    (directory / "manifest.json").write_bytes(orjson.dumps(document))

    with pytest.raises(InvalidBundle, match=r"ids\.blob"):
        Bundle(directory)


def test_graph_tables_are_mapped_at_their_indexed_offsets(directory):
    table = graph_tables(directory)["letters"]

    assert table.tobytes() == b"raph"  # `write` fills "graph.data" with the file's own name.
    assert table.shape == (2, 2)
    assert not table.flags.writeable


@pytest.mark.parametrize(
    "index",
    [
        b"{",
        b"[]{",
        b'["letters"]',
        b'{"letters": {"dtype": "|u1", "shape": [11], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [2], "offset": 11}}',
        b'{"letters": {"dtype": "?!", "shape": [2], "offset": 0}}',
        b'{"letters": {"shape": [2], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [1e30], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [1000000000000], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [-1], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [true], "offset": 0}}',
        b'{"letters": {"dtype": "|u1", "shape": [2], "offset": 1e30}}',
        b'{"letters": {"dtype": "|u1", "shape": [2], "offset": -1}}',
        b'{"letters": {"dtype": "|S1", "shape": [2], "offset": 0}}',
        b'{"letters": {"dtype": "<c8", "shape": [1], "offset": 0}}',
        b'{"letters": {"dtype": ">f4", "shape": [1], "offset": 0}}',
        b'{"letters": {"dtype": [["a", "|u1"]], "shape": [1], "offset": 0}}',
    ],
)
def test_table_index_that_does_not_match_the_tables_is_refused(directory, index):
    (directory / files.TABLES_FILE).write_bytes(index)

    with pytest.raises(InvalidBundle, match=r"graph\.tables\.json does not fit graph\.data"):
        graph_tables(directory)
