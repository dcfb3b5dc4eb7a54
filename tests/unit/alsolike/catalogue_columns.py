"""Changes of a catalogue, and the expected rows after them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.segment import Segment

COLUMNS = {
    "price": ColumnType.NUMBER,
    "colour": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "sold": ColumnType.BOOLEAN,
    "title": ColumnType.TEXT,
    "created": ColumnType.TIMESTAMP,
}

# Values may have other types than the columns, because rows may be older than the declaration of columns.
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "red", "blue", "a|b", "é"]),
    st.lists(st.sampled_from(["a", "b", "|"]), max_size=3),
    st.just({"nested": [1]}),
)
_NAMES = st.sampled_from([*COLUMNS, "other", "more"])

CHANGES = st.builds(
    Change,
    st.sampled_from(["a", "b", "ö/../", "d"]),
    st.integers(1, 4),
    st.none() | st.dictionaries(_NAMES, _VALUES, max_size=5),
)


def live(changes: Iterable[Change]) -> dict[str, dict[str, Any]]:
    last = {change.entity_id: change for change in sorted(changes, key=lambda change: change.precedence)}
    return {item: dict(change.properties) for item, change in last.items() if change.properties is not None}


def through_a_file(segment: Segment, *, without: str = "nothing") -> Segment:
    """Write a segment to a file and map the file.

    The file lacks the arrays with `without` in their names, like files of earlier releases.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "segment"
        with path.open("wb") as file:
            segment.write(file)
        arrays, metadata = map_tensors(path)
        kept = {name: array for name, array in arrays.items() if without not in name}
        path = path.with_name("again")
        with path.open("wb") as file:
            write_tensors(file, kept, metadata=metadata)
        return Segment.map(path)
