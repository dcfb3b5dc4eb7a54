import pyarrow as pa
import pytest

from alsolike.declarations.storage import COMPACTIONS_PREFIX
from alsolike.lake import partitions
from functions.compact_lake import handler
from functions.compact_lake.expired_days import oldest_kept, remove_before
from functions.compact_lake.selection import MergeRules
from tests.builders.lakes import DATE, HOUR_MS, SCHEMA, TIME_MS, counted, keep_up, keys, row, write
from tests.builders.lakes import counted as events_of
from tests.builders.lambda_events import LambdaContext
from tests.builders.parquet import parquet, table_of

QUIET_MS = HOUR_MS + 1_000
"""Time in milliseconds after which a new object may be merged."""


@pytest.fixture
def raw(s3, lake_bucket):
    """Write five batches of one day, and return their keys. Each batch repeats an event of the previous one."""
    return [
        write(s3, lake_bucket, f"shard-{n}", [row(f"e{n}", received_time_ms=TIME_MS + n), row(f"e{n + 1}")])
        for n in range(5)
    ]


def content(s3, bucket, key):
    return table_of(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_merged_object_replaces_inputs_after_readers_cannot_need_them(s3, lake_bucket, raw):
    before = counted(s3, lake_bucket)

    merging = keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    (merged,) = set(keys(s3, lake_bucket)) - set(raw)
    assert merged.startswith(f"interactions/event_date={DATE}/compacted-")
    assert set(raw) < set(keys(s3, lake_bucket))
    assert counted(s3, lake_bucket) == before
    assert (merging.merged, merging.written, merging.removed) == (5, 1, 0)

    assert keep_up(s3, lake_bucket, later_ms=HOUR_MS - 600_000).removed == 0
    assert set(raw) < set(keys(s3, lake_bucket))

    assert keep_up(s3, lake_bucket, later_ms=QUIET_MS).removed == 5
    assert keys(s3, lake_bucket) == [merged]
    assert keys(s3, lake_bucket, COMPACTIONS_PREFIX) == []
    assert counted(s3, lake_bucket) == before


def test_merged_object_has_each_event_once_sorted_by_time(s3, lake_bucket):
    live = {"correlation_id": "c1"}
    late, second = row("late", event_time_ms=TIME_MS + 5), row("x", item_id="second", received_time_ms=9, **live)
    write(s3, lake_bucket, "a", [late, second])
    write(s3, lake_bucket, "b", [row("x", item_id="first", received_time_ms=8, **live)])
    write(s3, lake_bucket, "c", [row("b"), row("a")])

    keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    (merged,) = [key for key in keys(s3, lake_bucket) if "compacted-" in key]
    table = content(s3, lake_bucket, merged)
    assert table.schema.remove_metadata() == SCHEMA
    assert table.select(["event_id", "item_id"]).to_pydict() == {
        "event_id": ["a", "b", "x", "late"],
        "item_id": ["pear", "pear", "first", "pear"],
    }


def test_event_of_two_imports_is_kept_once_per_import(s3, lake_bucket):
    """The removal of one import must not remove the row of the other import, nor that of a live event."""
    live = {"correlation_id": "c1"}
    write(s3, lake_bucket, "a", [row("x", received_time_ms=5), row("x", received_time_ms=8, **live)])
    write(s3, lake_bucket, "b", [row("x", received_time_ms=6), row("x", received_time_ms=9, **live)])
    write(s3, lake_bucket, "c", [row("x", received_time_ms=5)])

    keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    (merged,) = [key for key in keys(s3, lake_bucket) if "compacted-" in key]
    assert sorted(content(s3, lake_bucket, merged)["received_time_ms"].to_pylist()) == [5, 6, 8]


def test_same_inputs_give_identical_merged_bytes(s3, lake_bucket, raw):
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    (merged,) = set(keys(s3, lake_bucket)) - set(raw)
    first = s3.get_object(Bucket=lake_bucket, Key=merged)["Body"].read()
    for key in (merged, *keys(s3, lake_bucket, COMPACTIONS_PREFIX)):
        s3.delete_object(Bucket=lake_bucket, Key=key)

    keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    assert s3.get_object(Bucket=lake_bucket, Key=merged)["Body"].read() == first


def test_few_recent_or_large_objects_are_not_merged(s3, lake_bucket, raw):
    write(s3, lake_bucket, "only", [row("e")], date="2026-09-22")

    assert keep_up(s3, lake_bucket).merged == 0
    assert keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=MergeRules(min_objects=6)).merged == 0
    assert keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=MergeRules(min_objects=3, small_bytes=100)).merged == 0
    assert keys(s3, lake_bucket) == [*raw, "interactions/event_date=2026-09-22/only.parquet"]


def test_late_objects_are_merged_with_the_merged_object(s3, lake_bucket, raw):
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    late = [write(s3, lake_bucket, f"late-{n}", [row(f"late{n}"), row("e1")]) for n in range(2)]
    before = counted(s3, lake_bucket)

    # The inputs of the first merge are deleted, then its output is merged with the late objects.
    second = keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    assert (second.removed, second.merged) == (5, 3)
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    (merged,) = keys(s3, lake_bucket)
    assert merged not in (*raw, *late)
    assert counted(s3, lake_bucket) == before
    assert {each["event_id"] for each in before} == {*(f"e{n}" for n in range(6)), "late0", "late1"}


def test_input_rewritten_after_its_merge_is_not_deleted(s3, lake_bucket, raw):
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    s3.put_object(Bucket=lake_bucket, Key=raw[0], Body=parquet([row("other")]))

    outcome = keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    assert outcome.removed == 4
    assert raw[0] in keys(s3, lake_bucket)
    assert {each["event_id"] for each in counted(s3, lake_bucket)} == {*(f"e{n}" for n in range(6)), "other"}


def test_inputs_are_kept_if_the_merged_object_is_missing(s3, lake_bucket, raw):
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    (merged,) = set(keys(s3, lake_bucket)) - set(raw)
    s3.delete_object(Bucket=lake_bucket, Key=merged)

    outcome = keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    assert outcome.removed == 0
    assert set(keys(s3, lake_bucket)) == {*raw, merged}  # The inputs are merged again.


def test_objects_of_older_and_newer_schemas_are_merged(s3, lake_bucket, logged):
    older = pa.schema([field for field in SCHEMA if field.name != "query"])
    newer = SCHEMA.append(pa.field("page", pa.string()))
    folder = partitions.partition_prefix(DATE)
    for name, body in {
        "older": parquet([row("o")], schema=older),
        "newer": parquet([row("n", page="/")], schema=newer),
        "torn": parquet([row("t")])[:-7],
        "a": parquet([row("a", query="pears")]),
        "b": parquet([row("b")]),
    }.items():
        s3.put_object(Bucket=lake_bucket, Key=f"{folder}{name}.parquet", Body=body)

    outcome = keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    assert keep_up(s3, lake_bucket, later_ms=QUIET_MS).removed == 3

    assert (outcome.merged, outcome.unreadable) == (3, 2)
    merged, *left = keys(s3, lake_bucket)
    assert left == [f"{folder}newer.parquet", f"{folder}torn.parquet"]
    assert content(s3, lake_bucket, merged).select(["event_id", "query"]).to_pylist() == [
        {"event_id": "a", "query": "pears"},
        {"event_id": "b", "query": None},
        {"event_id": "o", "query": None},
    ]
    assert "columns ['page'] are unknown" in logged()


def test_merge_reads_at_most_the_configured_rows(s3, lake_bucket):
    for n in range(20):
        write(s3, lake_bucket, f"{n:02d}", [row(f"e{n:02d}")])
    before = counted(s3, lake_bucket)

    # Objects are read in groups of eight, and eight objects reach the memory limit.
    rules = MergeRules(min_objects=3, merge_memory_bytes=500)
    outcome = keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=rules)
    keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=rules)

    assert (outcome.merged, outcome.written) == (20, 3)
    assert len(keys(s3, lake_bucket)) == 3
    assert counted(s3, lake_bucket) == before
    # Merged objects that reached the memory limit are not merged again.
    assert keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=rules).merged == 0


def test_merge_reads_at_most_the_configured_bytes(s3, lake_bucket):
    sizes = [len(parquet([row(f"e{n}")])) for n in range(9)]
    for n in range(9):
        write(s3, lake_bucket, f"{n}", [row(f"e{n}")])

    rules = MergeRules(min_objects=3, merge_bytes=sum(sizes[:4]) + sizes[0] // 2)
    outcome = keep_up(s3, lake_bucket, later_ms=QUIET_MS, rules=rules)

    assert (outcome.merged, outcome.written) == (8, 2)  # One remaining object is fewer than the minimum.


def test_call_stops_before_its_timeout_and_the_next_continues(s3, lake_bucket):
    dates = ["2026-09-01", "2026-09-02", "2026-09-03"]
    for date in dates:
        for n in range(3):
            write(s3, lake_bucket, str(n), [row(f"{date}-{n}")], date=date)
    before = counted(s3, lake_bucket)
    looks = iter([True, True, False])

    first = keep_up(s3, lake_bucket, later_ms=QUIET_MS, has_time=lambda: next(looks, False))
    assert (first.merged, first.complete) == (3, False)

    second = keep_up(s3, lake_bucket, later_ms=QUIET_MS)
    assert (second.merged, second.removed, second.complete) == (6, 3, True)
    assert counted(s3, lake_bucket) == before


def test_days_older_than_retention_are_removed_with_compaction_records(s3, lake_bucket):
    now = 1_790_000_000_000  # 2026-09-21T14:13:20Z
    for date in ("2026-08-21", "2026-08-22", "2026-09-21"):
        for n in range(3):
            write(s3, lake_bucket, str(n), [row(f"{date}-{n}")], date=date)
    keep_up(s3, lake_bucket, later_ms=QUIET_MS)

    assert remove_before(s3, lake_bucket, oldest_kept(30, now_ms=now)) == 1

    days = ["event_date=2026-08-22", "event_date=2026-09-21"]
    assert sorted({key.split("/")[1] for key in keys(s3, lake_bucket)}) == days
    assert sorted(key.split("/")[1] for key in keys(s3, lake_bucket, COMPACTIONS_PREFIX)) == days


@pytest.fixture
def invoke(lake_bucket, artefact_bucket, pseudonyms, monkeypatch):
    monkeypatch.setattr(handler, "RULES", MergeRules(min_objects=3, quiet_ms=0, grace_ms=0))
    return lambda remaining_ms=900_000: handler.lambda_handler({}, LambdaContext(remaining_ms=remaining_ms))


def test_call_returns_and_counts_merged_objects(invoke, s3, lake_bucket, erase, counted):
    for n in range(3):
        write(s3, lake_bucket, str(n), [row(f"{user}{n}", user_id=user) for user in ("anna", "bob", None)])
    erase("anna")

    first, second = invoke(), invoke()

    nothing = {
        "expired_days": 0, "merged": 0, "written": 0, "removed": 0, "undone": 0, "unreadable": 0, "complete": True,
    }  # fmt: skip
    assert first == {**nothing, "merged": 3, "written": 1}
    assert second == {**nothing, "removed": 3}
    assert [each["user_id"] for each in events_of(s3, lake_bucket)] == [None] * 3 + ["bob"] * 3
    assert counted() == {"LakeObjectsMerged": 3}


def test_configured_retention_removes_older_days(invoke, s3, lake_bucket, configure, counted):
    write(s3, lake_bucket, "old", [row("e")], date="2020-01-01")
    assert invoke()["expired_days"] == 0
    configure({"limits": {"retention_days": 365}})

    assert invoke()["expired_days"] == 1

    assert keys(s3, lake_bucket) == []
    assert counted()["LakeDaysExpired"] == 1


def test_call_without_time_is_incomplete_and_merges_nothing(invoke, s3, lake_bucket):
    for n in range(3):
        write(s3, lake_bucket, str(n), [row(f"e{n}")])

    outcome = invoke(remaining_ms=handler.LAST_STEP_MS)

    assert (outcome["merged"], outcome["complete"]) == (0, False)
    assert invoke()["merged"] == 3
