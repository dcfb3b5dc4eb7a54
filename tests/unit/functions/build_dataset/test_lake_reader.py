"""Reads of the lake: objects that a compaction changes, other writers, and invalid files."""

import pyarrow as pa

from alsolike.lake import partitions
from alsolike.lake.duplicates import deduplicate
from functions.build_dataset import lake_reader
from functions.build_dataset.dataset_rules import ACTION, LAKE_COLUMNS
from functions.build_dataset.lake_reader import read_lake
from tests.builders.lakes import HOUR_MS, Watched, keep_up, keys, row, write
from tests.builders.parquet import parquet

LATER_MS = HOUR_MS + 1_000


def events(client, bucket):
    rows, _ = read_lake(client, bucket)
    return sorted(deduplicate(rows)["event_id"])


def test_objects_removed_by_compaction_after_listing_are_skipped(s3, lake_bucket):
    raw = [write(s3, lake_bucket, f"shard-{n}", [row(f"e{n}"), row(f"e{n + 1}")]) for n in range(4)]
    keep_up(s3, lake_bucket, later_ms=LATER_MS)  # The objects are merged, but the inputs still exist.
    assert len(keys(s3, lake_bucket)) == 5

    def remove_inputs(number, name):
        if name == "get_object" and raw[0] in keys(s3, lake_bucket):
            assert keep_up(s3, lake_bucket, later_ms=LATER_MS).removed == 4

    assert events(Watched(s3, remove_inputs), lake_bucket) == [f"e{n}" for n in range(5)]
    assert len(keys(s3, lake_bucket)) == 1


def test_object_rewritten_after_listing_is_read_in_its_new_form(s3, lake_bucket):
    key = write(s3, lake_bucket, "shard-0", [row("e0", user_id="anna"), row("e1", user_id="bob")])

    def erase(number, name):
        if name == "get_object":
            s3.put_object(Bucket=lake_bucket, Key=key, Body=parquet([row("e1", user_id="bob")]))

    assert events(Watched(s3, erase), lake_bucket) == ["e1"]


def test_properties_of_an_object_are_dropped_before_the_next_read(s3, lake_bucket, monkeypatch):
    for number in range(3):
        write(s3, lake_bucket, f"shard-{number}", [row(f"e{number}")])
    convert, converted = lake_reader._with_contexts, []

    def counted(rows, context):
        converted.extend(rows["event_id"].to_pylist())
        return convert(rows, context)

    counts = []

    def count(number, name):
        if name == "get_object":
            counts.append(len(converted))

    monkeypatch.setattr(lake_reader, "BATCH_BYTES", 1)  # Objects are read one after another.
    monkeypatch.setattr(lake_reader, "_with_contexts", counted)
    read_lake(Watched(s3, count), lake_bucket)

    assert counts == [0, 1, 2]


def test_partitions_of_other_writers_are_read_with_known_columns(s3, lake_bucket):
    few = pa.schema([("event_id", pa.large_string()), ("received_time_ms", pa.int64())])
    s3.put_object(
        Bucket=lake_bucket,
        Key=f"{partitions.partition_prefix('2026-09-20')}old.parquet",
        Body=parquet([row("e0")], schema=few),
    )
    write(s3, lake_bucket, "shard", [row("e1")])

    rows, sources = read_lake(s3, lake_bucket)

    assert sources == ("interactions/event_date=2026-09-20", "interactions/event_date=2026-09-21")
    assert list(rows.columns) == [*LAKE_COLUMNS, ACTION]
    assert rows["event_id"].tolist() == ["e0", "e1"]
    assert rows["item_id"].isna().tolist() == [True, False]
