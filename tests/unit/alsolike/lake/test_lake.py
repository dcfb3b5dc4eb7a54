import itertools
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from alsolike.events.interactions import MAX_TIME_MS
from alsolike.lake import partitions
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.lake_objects import LakeObject, batches
from alsolike.lake.quarantine import DeadLetter, Kind
from alsolike.records.interaction import COPY_ORDER, INTERACTIONS_COLUMNS
from tests.unit.alsolike.records import TIME_MS, interaction


@pytest.mark.parametrize(
    ("time_ms", "date"),
    [
        (1, "1970-01-01"),
        (86_399_999, "1970-01-01"),
        (86_400_000, "1970-01-02"),
        (1_709_164_800_000, "2024-02-29"),
        (1_709_251_199_999, "2024-02-29"),
        (MAX_TIME_MS, "9999-12-31"),
    ],
)
def test_interaction_is_in_the_partition_of_its_utc_date(time_ms, date):
    assert partitions.event_date(time_ms) == date


def test_object_keys_have_partition_shard_and_sequence():
    assert (
        partitions.object_key("2024-02-29", shard_id="shardId-0", first_sequence="1", last_sequence="9")
        == "interactions/event_date=2024-02-29/shardId-0-1-9.parquet"
    )
    assert partitions.quarantine_key("2024-02-29", shard_id="s", sequence="7") == "quarantine/dt=2024-02-29/s-7.json"


def rows(*changes):
    written = {name: getattr(interaction(), name) for name in INTERACTIONS_COLUMNS}
    return pd.DataFrame([{**written, **change} for change in changes])


def kept(frame):
    return {tuple(row) for row in deduplicate(frame)[["event_id", "user_id", "item_id"]].itertuples(index=False)}


def test_first_received_copy_of_an_event_is_kept():
    frame = rows(
        {"event_id": "a", "item_id": "late", "received_time_ms": TIME_MS + 1},
        {"event_id": "b"},
        {"event_id": "a", "item_id": "early", "received_time_ms": TIME_MS},
    )

    assert list(deduplicate(frame)["event_id"]) == ["b", "a"]
    assert kept(frame) == {("a", "u1", "early"), ("b", "u1", "i1")}


def test_event_id_reused_by_another_user_or_session_hides_no_event():
    frame = rows(
        {"user_id": "u1", "session_id": "s1", "item_id": "of u1"},
        {"user_id": "u2", "session_id": "s1", "item_id": "of u2", "received_time_ms": TIME_MS + 1},
        {"user_id": None, "session_id": "s2", "item_id": "of s2", "received_time_ms": TIME_MS + 2},
        {"user_id": None, "session_id": "s3", "item_id": "of s3", "received_time_ms": TIME_MS + 3},
        {"user_id": "u1", "session_id": "s4", "item_id": "again", "received_time_ms": TIME_MS + 4},
    )

    assert set(deduplicate(frame)["item_id"]) == {"of u1", "of u2", "of s2", "of s3"}


def test_rows_without_duplicates_are_unchanged():
    frame = rows({"event_id": "b"}, {"event_id": "a"})

    pd.testing.assert_frame_equal(deduplicate(frame), frame)
    assert deduplicate(frame.iloc[:0]).empty


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("session_id", ["s2", None]),
        ("item_id", ["x", "y"]),
        ("event_type", ["cart", "view"]),
        ("event_value", [1.0, None, 2.0]),
        ("event_time_ms", [5, 4]),
        ("recommendation_id", [None, "r"]),
        ("impression", [["a"], [], ["b", "a"]]),
        ("properties", ["{}", '{"a":1}']),
    ],
)
def test_kept_row_does_not_depend_on_the_order(column, values):
    found = set()
    for order in itertools.permutations(values):
        frame = rows({"event_id": "b"}, *({column: value} for value in order), {"event_id": "c"})
        once = deduplicate(frame)
        assert sorted(once["event_id"]) == ["b", "c", "e1"]
        found.add(repr(once.loc[once["event_id"] == "e1", column].tolist()))

    assert len(found) == 1


def test_deduplication_accepts_arrow_columns_and_a_repeated_index():
    table = pa.Table.from_pylist(rows({"event_id": "a"}, {"event_id": "b"}, {"event_id": "a"}).to_dict("records"))
    part = table.to_pandas(types_mapper=pd.ArrowDtype)
    frame = pd.concat([part, part])

    assert sorted(deduplicate(frame)["event_id"]) == ["a", "b"]
    few = frame[["event_id", *COPY_ORDER[:4]]]
    assert sorted(deduplicate(few)["event_id"]) == ["a", "b"]


def test_every_parquet_writer_uses_the_codec_of_the_lambda_layer():
    """AWS's pandas layer supports only snappy and gzip, while pandas on other machines supports more codecs."""
    root = Path(__file__).parents[4]
    code = [
        path.read_text()
        for part in ("functions", "cli", "operations", "layers/core")
        for path in (root / part).rglob("*.py")
    ]
    codecs = {codec for text in code for codec in re.findall(r"compression=([^),\s]+)", text)}

    assert partitions.COMPRESSION == "snappy"
    # Temporary files of a call are not Parquet and may use any codec.
    assert codecs == {"partitions.COMPRESSION", "_CODEC"}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ('user_id is "anna", expected a string', "user_id is …, expected a string"),
        (r'user_id is "a\"bob@shop.example", expected a string', "user_id is …, expected a string"),
        ('event_value is {"a":"bob… (300 characters), expected a number', "event_value is {…:…"),
        ("event_type is 'it\\'s bob', expected one", "event_type is …, expected one"),
        ("'utf-8' codec can't decode byte 7 in position 3", "… codec can't decode byte … in position …"),
        ("bob@shop.example is not a known field, expected user_id", "… is not a known field, expected user_id"),
        ("event_time_ms is -1.5e+20, expected null", "event_time_ms is …, expected …"),
    ],
)
def test_reason_class_contains_no_values(reason, expected):
    assert DeadLetter("key", Kind.RECORD, reason, 0, ()).reason_class == expected


def test_batches_keep_both_limits_and_the_order():
    objects = [LakeObject("key", size, "etag", 0) for size in (4, 6, 1, 20, 1, 1, 1)]

    found = [[one.size_bytes for one in batch] for batch in batches(objects, max_bytes=10, max_objects=2)]

    assert found == [[4, 6], [1], [20], [1, 1], [1]]
