"""The SQL of deduplication, executed on overlapping Parquet files."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from alsolike.lake.duplicates import deduplicate
from alsolike.records.interaction import COPY_ORDER, INTERACTIONS_COLUMNS, INTERACTIONS_ONCE_SQL
from tests.builders.lake_files import OLD_SCHEMA, SCHEMA, open_table, write_file

IDS = st.sampled_from(["a", "b", "ä", "🍐", "z z"])
# Copies of an event that differ in any column, including columns that only a faulty producer could change.
ROWS = st.fixed_dictionaries(
    {
        **{name: st.none() | IDS for name, kind in INTERACTIONS_COLUMNS.items() if kind == "string"},
        "event_id": st.sampled_from("efg"),
        "event_type": st.sampled_from(["view", "cart"]),
        "event_value": st.none() | st.sampled_from([-1.5, 0.0, 2.0]),
        "event_time_ms": st.sampled_from([DAY_MS, DAY_MS + 1, 2 * DAY_MS]),
        "impression": st.none() | st.lists(IDS, max_size=2),
        "properties": st.sampled_from(["{}", '{"a":1}']),
        "received_time_ms": st.sampled_from([1, 2]),
        "schema_version": st.sampled_from([1, 2]),
    }
)
FILES = st.lists(st.tuples(st.booleans(), st.lists(ROWS, min_size=1, max_size=6)), min_size=1, max_size=4)


def comparable(rows):
    return sorted(tuple(repr(row[name]) for name in (*INTERACTIONS_COLUMNS, INTERACTIONS_PARTITION)) for row in rows)


@settings(max_examples=40, deadline=None)
@given(files=FILES)
def test_sql_view_keeps_the_same_rows_as_deduplicate(files, tmp_path_factory):
    directory = tmp_path_factory.mktemp("lake")
    written: list[dict[str, Any]] = []
    for number, (old, rows) in enumerate(files):
        schema = OLD_SCHEMA if old else SCHEMA
        for date in {partitions.event_date(row["event_time_ms"]) for row in rows}:
            day = [row for row in rows if partitions.event_date(row["event_time_ms"]) == date]
            write_file(day, directory / f"{partitions.partition_prefix(date)}{number}.parquet", schema=schema)
            written += [{name: row[name] for name in schema.names} | {"event_date": date} for row in day]
    everything = pa.Table.from_pylist(written, schema=SCHEMA.append(pa.field("event_date", pa.string())))

    with open_table(directory) as connection:
        found = connection.sql(INTERACTIONS_ONCE_SQL).to_arrow_table().to_pylist()

    expected = deduplicate(everything.to_pandas(types_mapper=pd.ArrowDtype))
    assert comparable(found) == comparable(pa.Table.from_pandas(expected, preserve_index=False).to_pylist())
    # Plain objects, as pandas reads Parquet without Arrow types, have the same result.
    plain = deduplicate(everything.to_pandas(integer_object_nulls=True))
    assert comparable(pa.Table.from_pandas(plain, schema=everything.schema, preserve_index=False).to_pylist()) == (
        comparable(found)
    )


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(ROWS, max_size=8),
    split=st.integers(0, 8),
    columns=st.integers(COPY_ORDER.index("session_id") + 1, len(COPY_ORDER)),
)
def test_compacted_rows_give_the_same_result_for_any_columns(rows, split, columns):
    read = ["event_id", *COPY_ORDER[:columns]]
    frame = pa.Table.from_pylist(rows, schema=SCHEMA).to_pandas(types_mapper=pd.ArrowDtype)

    compacted = pd.concat([deduplicate(frame[:split]), frame[split:]])

    def content(once):
        return sorted(map(repr, once[read].itertuples(index=False, name=None)))

    assert content(deduplicate(compacted[read])) == content(deduplicate(frame[read]))


def test_columns_without_their_preceding_tie_breakers_are_refused():
    frame = pd.DataFrame({"event_id": ["a"], "received_time_ms": [1], "item_id": ["x"]})

    with pytest.raises(ValueError, match="item_id without event_time_ms, user_id, session_id, which decide before it"):
        deduplicate(frame)


def test_every_column_is_a_tie_breaker():
    assert {"event_id", *COPY_ORDER} == set(INTERACTIONS_COLUMNS)
