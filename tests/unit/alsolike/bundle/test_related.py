import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.bundle.related import KINDS, SIMILAR, TOGETHER, RelatedItems
from alsolike.runtime.errors import InvalidBundle
from tests.builders.related import related_table

ROWS = st.lists(
    st.lists(st.tuples(st.just(1), st.floats(2**-12, 1.0, width=16)), max_size=5), min_size=1, max_size=9
).flatmap(
    lambda rows: st.tuples(
        *(
            st.tuples(*(st.tuples(st.integers(1, len(rows)), st.just(score)) for _, score in row)).map(list)
            for row in rows
        )
    ).map(list)
)


def tables():
    similar, together = related_table([[(2, 0.5)], [(1, 0.5)]]), related_table([[], [(1, 0.75)]])
    return RelatedItems({SIMILAR: similar, TOGETHER: together})


def write(path, *, metadata=None, **changes):
    """Write changed tables. None removes an array."""
    tables().write(path)
    arrays, stated = map_tensors(path)
    for name, array in changes.items():
        arrays.pop(name.replace("_", "."))
        if array is not None:
            arrays[name.replace("_", ".")] = array
    with (path.parent / "changed.tensors").open("wb") as file:
        write_tensors(file, arrays, metadata=stated if metadata is None else metadata)
    return path.parent / "changed.tensors"


@settings(max_examples=50)
@given(ROWS)
def test_every_row_is_unchanged_after_write_and_read(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "related.tensors"
    RelatedItems({SIMILAR: related_table(rows), TOGETHER: related_table(rows[::-1])}).write(path)

    mapped = RelatedItems.map(path, items=len(rows))

    for kind, expected in ((SIMILAR, [[], *rows]), (TOGETHER, [[], *rows[::-1]])):
        for position, row in enumerate(expected):
            items, scores = mapped.row(kind, position)
            assert (str(items.dtype), str(scores.dtype)) == ("int32", "float32")
            assert list(zip(items.tolist(), scores.tolist(), strict=True)) == row


@pytest.mark.parametrize("position", [-1, 3])
def test_position_outside_the_model_is_refused(position):
    with pytest.raises(IndexError, match=f"position is {position}, expected 0 to 2"):
        tables().row(SIMILAR, position)


def test_tables_without_entries_have_empty_rows(tmp_path):
    RelatedItems.none(3).write(tmp_path / "related.tensors")

    mapped = RelatedItems.map(tmp_path / "related.tensors", items=3)

    assert [len(mapped.row(kind, position)[0]) for kind in KINDS for position in range(4)] == [0] * 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"format": "other"}}, "has format 'other', expected 'alsolike-related-1'"),
        ({"metadata": {}}, "has format None"),
        ({"together_items": None}, "holds no related items: KeyError"),
        ({"similar_scores": np.ones(2, np.float32)}, "similar has types uint32, int32, float32, expected"),
        ({"similar_scores": np.ones(3, np.float16)}, "similar has 2 items and 3 scores, its rows end at 2"),
        ({"similar_offsets": np.array([0, 0, 1, 3], np.uint32)}, "similar has 2 items and 2 scores, its rows end at 3"),
        ({"similar_offsets": np.array([1, 1, 1, 2], np.uint32)}, "its rows end at 2"),
        ({"similar_offsets": np.zeros(0, np.uint32)}, "holds no related items: IndexError"),
        ({"similar_offsets": np.array([0, 0, 2], np.uint32)}, "has similar of 1 items, the model has 2"),
    ],
)
def test_invalid_tables_are_refused(tmp_path, changes, message):
    path = write(tmp_path / "related.tensors", **changes)

    with pytest.raises(InvalidBundle, match=message):
        RelatedItems.map(path, items=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"similar_items": np.array([3, 1], np.int32)},
        {"similar_items": np.array([0, 1], np.int32)},
        {"similar_items": np.array([-1, 1], np.int32)},
        {"similar_scores": np.array([np.nan, 0.5], np.float16)},
        {"similar_scores": np.array([np.inf, 0.5], np.float16)},
    ],
)
def test_invalid_entry_is_omitted_and_found_by_the_check(tmp_path, changes):
    mapped = RelatedItems.map(write(tmp_path / "related.tensors", **changes), items=2)

    assert [values.tolist() for values in mapped.row(SIMILAR, 1)] == [[], []]
    assert [values.tolist() for values in mapped.row(SIMILAR, 2)] == [[1], [0.5]]
    with pytest.raises(InvalidBundle, match="similar: 1 entries are not items of the model, or have no score"):
        mapped.check()


def test_row_with_reversed_offsets_is_empty_and_found_by_the_check(tmp_path):
    changed = write(tmp_path / "related.tensors", similar_offsets=np.array([0, 2, 1, 2], np.uint32))
    mapped = RelatedItems.map(changed, items=2)

    assert [values.tolist() for values in mapped.row(SIMILAR, 1)] == [[], []]
    with pytest.raises(InvalidBundle, match="similar: a row ends before it begins"):
        mapped.check()


def test_valid_tables_pass_the_check():
    tables().check()


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_file_that_is_not_a_tensor_file_is_refused(tmp_path, content):
    (tmp_path / "related.tensors").write_bytes(content)

    with pytest.raises(InvalidBundle, match=r"related\.tensors holds no related items"):
        RelatedItems.map(tmp_path / "related.tensors", items=2)
