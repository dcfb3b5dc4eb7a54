"""Changes of a catalogue, and what must be left of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from alsolike.catalogue_change import Change
from alsolike.configuration import ColumnType

COLUMNS = {
    "price": ColumnType.NUMBER,
    "colour": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "sold": ColumnType.BOOLEAN,
    "title": ColumnType.TEXT,
    "created": ColumnType.TIMESTAMP,
}

# Also values of other types than the columns': rows may be older than a declaration.
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
    """What a catalogue has after changes, by sorting them."""
    last = {change.entity_id: change for change in sorted(changes, key=lambda change: change.precedence)}
    return {item: dict(change.properties) for item, change in last.items() if change.properties is not None}
