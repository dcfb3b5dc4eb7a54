"""Reads of the lake's Parquet objects: missing columns, large files, invalid files and deleted objects."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.lake import lake_objects, tables
from alsolike.lake.tables import read_tables, tables_of
from alsolike.runtime.errors import InvalidDataset

SCHEMA = pa.schema([("event_id", pa.string()), ("position", pa.int64())])


def parquet(**columns):
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    return body.getvalue()


def rows_of(body):
    found = list(tables_of(pa, pa.BufferReader(body), schema=SCHEMA, where="the object"))
    assert {table.schema for table in found} == {SCHEMA}
    return [row for table in found for row in table.to_pylist()]


def test_missing_column_is_null_and_other_columns_are_skipped():
    body = parquet(event_id=["a", "b"], unknown=[1, 2])

    assert rows_of(body) == [{"event_id": "a", "position": None}, {"event_id": "b", "position": None}]


def test_column_of_another_integer_type_is_cast():
    body = parquet(position=pa.array([3], pa.int32()), event_id=pa.array(["a"], pa.large_string()))

    assert rows_of(body) == [{"event_id": "a", "position": 3}]


def test_rows_of_agents_are_skipped():
    body = parquet(event_id=["a", "b", "c"], position=[1, 2, 3], agent=[None, "assistant", None])

    assert [row["event_id"] for row in rows_of(body)] == ["a", "c"]


def test_large_file_is_read_in_batches(monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    body = parquet(event_id=list("abcde"), position=range(5))

    found = tables_of(pa, pa.BufferReader(body), schema=SCHEMA, where="the object")

    assert [len(table) for table in found] == [2, 2, 1]


@pytest.mark.parametrize(
    "body",
    [b"", b"PAR1", parquet(position=["first"]), parquet(event_id=["a"])[:-9]],
    ids=["empty", "header-only", "text-for-a-number", "truncated"],
)
def test_invalid_file_error_names_the_file(body):
    with pytest.raises(InvalidDataset, match="the object is not an object of the table: "):
        rows_of(body)


def test_objects_are_read_in_order_without_deleted_ones(aws):
    s3, lake_bucket = aws("s3"), "lake"
    s3.create_bucket(Bucket=lake_bucket)
    for name in "abcd":
        s3.put_object(Bucket=lake_bucket, Key=f"served/dt=2026-09-20/{name}.parquet", Body=parquet(event_id=[name]))
    listed = list(lake_objects.list_objects(s3, lake_bucket, prefix="served/"))
    s3.delete_object(Bucket=lake_bucket, Key=listed[1].key)

    found = read_tables(pa, s3, lake_bucket, listed, schema=SCHEMA, max_bytes=1, max_objects=2)

    assert [table["event_id"].to_pylist() for table in found] == [["a"], ["c"], ["d"]]
