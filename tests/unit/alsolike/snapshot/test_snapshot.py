import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.arrays.ragged import hashes_of
from alsolike.catalogue.changes import Change
from alsolike.runtime.errors import InvalidSnapshot
from alsolike.snapshot.columns import BooleanColumn
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import EMPTY, ListColumn, NumberColumn, Snapshot, StringColumn, TextColumn
from tests.unit.alsolike.catalogue_columns import CHANGES, COLUMNS, live, through_a_file


def snapshot(*batches, columns=COLUMNS):
    return Snapshot([Segment.of(batch, columns) for batch in batches], version="v")


def item(item_id, at=1, **properties):
    return Change(item_id, at, properties)


def test_newest_row_of_all_segments_is_used():
    found = snapshot(
        [item("a", 1, price=1), item("b", 1, price=1), item("c", 5, price=1)],
        [item("a", 2, price=2), Change("b", 2, None)],
        [item("c", 4, price=9), item("d", 1, price=4)],
    )

    assert len(found) == 3
    assert dict(found.items()) == {"a": {"price": 2}, "c": {"price": 1}, "d": {"price": 4}}
    rows = found.rows(["d", "b", "a", "unknown", b"c"])
    assert (rows >= 0).tolist() == [True, False, True, False, True]
    assert [found.item_id(row) for row in rows[rows >= 0].tolist()] == ["d", "a", "c"]
    prices = found.column("price")
    assert isinstance(prices, NumberColumn)
    assert prices.values[rows[rows >= 0]].tolist() == [4.0, 2.0, 1.0]


def test_deletion_is_effective_until_a_later_row():
    found = snapshot([Change("a", 3, None), Change("b", 3, None), item("c")], [item("a", 2), item("b", 4)])

    assert sorted(dict(found.items())) == ["b", "c"]
    assert len(found) == 2
    assert found.deleted_hashes().tolist() == hashes_of([b"a"]).tolist()


@given(st.lists(st.lists(CHANGES, max_size=6), max_size=4), st.permutations(range(4)))
def test_catalogue_does_not_depend_on_the_order_of_batches(batches, order):
    wanted = live(itertools.chain.from_iterable(batches))
    shuffled = [batches[place] for place in order if place < len(batches)]

    found = snapshot(*shuffled)

    assert dict(found.items()) == wanted
    assert len(found) == len(wanted)


@given(st.lists(CHANGES, max_size=8), st.lists(CHANGES, max_size=8))
def test_merged_segment_equals_its_parts(first, second):
    parts = [Segment.of(batch, COLUMNS) for batch in (first, second)]

    merged = Segment.merge(parts)

    assert dict(Snapshot([merged], version="").items()) == live([*first, *second])
    assert (np.diff(merged.hashes.astype(object)) > 0).all()


@given(st.lists(CHANGES, max_size=8))
def test_segment_is_unchanged_after_write_and_read(changes):
    read = through_a_file(Segment.of(changes, COLUMNS))

    kept = {change.entity_id: change for change in read.changes()}
    assert {i: c.properties for i, c in kept.items() if c.properties is not None} == live(changes)
    assert read.column_types == COLUMNS
    for change in kept.values():
        for name, value in (change.properties or {}).items():
            original = live(changes)[change.entity_id][name]
            assert isinstance(value, bool) == isinstance(original, bool)


def test_columns_of_all_segments_share_one_dictionary():
    found = snapshot(
        [item("a", colour="red", tags=["x", "y"], sold=True, title="T", created=5), item("b", colour="blue")],
        [item("c", colour="green", tags="y|z", sold=False), item("d", colour="red", tags=[], title="")],
    )
    a, b, c, d = found.rows(["a", "b", "c", "d"]).tolist()

    colour, tags, sold, title = (found.column(name) for name in ("colour", "tags", "sold", "title"))

    assert isinstance(colour, StringColumn)
    assert [colour.value(row) for row in (a, b, c, d)] == ["red", "blue", "green", "red"]
    assert colour.codes[a] == colour.codes[d] == colour.dictionary.code("red")
    assert colour.dictionary.code("pink") == -1
    assert sorted(colour.dictionary) == ["blue", "green", "red"]
    assert isinstance(tags, ListColumn)
    assert [tags.value(row) for row in (a, b, c, d)] == [["x", "y"], None, "y|z", []]
    # Personalize separates the elements of a list in a string by `|`.
    assert tags.codes[c].tolist() == tags.dictionary.codes(["y", "z"]).tolist()
    assert isinstance(sold, BooleanColumn)
    assert sold.values[[a, b, c]].tolist() == [1, -1, 0]
    assert isinstance(title, TextColumn)
    assert [title.value(row) for row in (a, b, d)] == ["T", None, ""]
    assert found.column("undeclared") is None


def postings(segment):
    tags = segment.columns["tags"]
    assert isinstance(tags, ListColumn)
    if tags.postings is None:
        return None
    ids = [change.entity_id for change in segment.changes()]
    return {tag: sorted(ids[row] for row in tags.postings[code]) for code, tag in enumerate(tags.dictionary)}


def test_postings_list_the_rows_of_each_value():
    items = [item("a", tags=["x", "y", "x"]), item("b"), item("c", tags="y|z"), item("d", tags=[])]

    assert postings(through_a_file(Segment.of(items, COLUMNS))) == {"x": ["a", "a"], "y": ["a", "c"], "z": ["c"]}
    assert postings(through_a_file(Segment.of([item("b")], COLUMNS))) == {}


def test_file_without_postings_is_readable_and_gets_them_when_merged():
    older = through_a_file(Segment.of([item("a", tags=["x"]), item("b", tags=["x", "y"])], COLUMNS), without="posting")
    later = through_a_file(Segment.of([item("a", 2, tags=["z"])], COLUMNS))

    merged = through_a_file(Segment.merge([older, later]))

    assert postings(older) is None
    assert [change.properties for change in older.changes()] == [{"tags": ["x"]}, {"tags": ["x", "y"]}]
    assert postings(merged) == {"z": ["a"], "x": ["b"], "y": ["b"]}


def test_value_of_another_type_is_unchanged():
    found = snapshot([item("a", price="cheap", colour=7, tags=["x", 1], sold="yes", created=-1, big=2**60)])
    (row,) = found.rows(["a"])

    assert found.properties(row) == {
        "price": "cheap", "colour": 7, "tags": ["x", 1], "sold": "yes", "created": -1, "big": 2**60,
    }  # fmt: skip
    prices = found.column("price")
    assert isinstance(prices, NumberColumn)
    assert np.isnan(prices.values[row])


def test_merge_removes_old_deletions_and_unused_values():
    merged = Segment.merge(
        [
            Segment.of([item("a", 1, colour="red"), Change("b", 1, None), Change("c", 9, None)], COLUMNS),
            Segment.of([item("a", 2, colour="blue")], COLUMNS),
        ],
        forget_before_ms=5,
    )

    assert sorted(change.entity_id for change in merged.changes()) == ["a", "c"]
    colour = merged.columns["colour"]
    assert isinstance(colour, StringColumn)
    assert list(colour.dictionary) == ["blue"]


def test_same_rows_give_the_same_bytes():
    changes = [item("a", colour="red", tags=["x"]), item("b", colour="blue")]
    files = []
    for order in (changes, changes[::-1]):
        files.append(io.BytesIO())
        Segment.of(order, COLUMNS).write(files[-1])

    assert files[0].getvalue() == files[1].getvalue()


def test_empty_snapshot_has_no_rows_or_columns():
    assert len(EMPTY) == 0
    assert EMPTY.rows(["a"]).tolist() == [-1]
    assert EMPTY.rows([]).tolist() == []
    assert dict(EMPTY.items()) == {}
    assert EMPTY.column("price") is None
    assert dict(snapshot([]).items()) == {}
    assert snapshot([]).rows(["a"]).tolist() == [-1]


def test_file_of_another_format_is_refused(tmp_path):
    with (tmp_path / "s").open("wb") as file:
        Segment.of([item("a")], COLUMNS).write(file)
    data = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(data.replace(b"alsolike-catalogue-1", b"alsolike-catalogue-9"))

    with pytest.raises(InvalidSnapshot, match="has format 'alsolike-catalogue-9', expected 'alsolike-catalogue-1'"):
        Segment.map(tmp_path / "s")
