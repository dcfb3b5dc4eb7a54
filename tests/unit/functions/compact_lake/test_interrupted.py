"""Interrupted and concurrent upkeep, and erased users."""

import pytest

from alsolike.declarations.storage import COMPACTIONS_PREFIX, SERVED_PREFIX
from alsolike.lake import served
from functions.archive_served.service import to_parquet
from functions.compact_lake.service import UpkeepResult
from functions.compact_lake.tables import SERVED
from tests.builders.interrupted_upkeep import (
    LATER_MS,
    Tombstones,
    erase_during_a_merge,
    fill,
    join_another_call,
    kill_and_go_on,
)
from tests.builders.lakes import NoErasedUsers, Watched, keep_up, keys, row, write
from tests.builders.parquet import parquet, table_of
from tests.builders.served_rows import SERVED_MS
from tests.builders.served_rows import served as answer
from tests.builders.served_rows import stored as as_stored
from tests.fakes.places import create_bucket


@pytest.mark.parametrize("step", [4, 11, 18])
def test_killed_upkeep_loses_no_event_and_next_calls_finish(s3, lake_bucket, step):
    """Interrupt the upkeep at some steps. The slow tests interrupt each step."""
    assert kill_and_go_on(s3, lake_bucket, step=step)


@pytest.mark.parametrize("step", [6, 14])
def test_concurrent_upkeep_calls_lose_no_event(s3, lake_bucket, step):
    assert join_another_call(s3, lake_bucket, step=step)


def test_merge_started_by_another_call_is_skipped(s3, lake_bucket):
    inputs = fill(s3, lake_bucket)
    others: list[UpkeepResult] = []

    def run_another_call(number, name):
        if name == "put_object" and not others:  # The first write is the receipt.
            others.append(keep_up(s3, lake_bucket, later_ms=LATER_MS))

    outcome = keep_up(Watched(s3, run_another_call), lake_bucket, later_ms=LATER_MS)

    assert [(other.merged, other.written) for other in others] == [(len(inputs), 1)]
    assert (outcome.merged, outcome.written, outcome.undone) == (0, 0, 0)


@pytest.mark.parametrize("step", [3, 6])
def test_user_erased_during_a_merge_is_not_restored(s3, lake_bucket, step):
    assert erase_during_a_merge(s3, lake_bucket, step=step)


def test_inputs_rewritten_just_before_deletion_are_kept(s3, lake_bucket):
    inputs = fill(s3, lake_bucket)
    keep_up(s3, lake_bucket, later_ms=LATER_MS)
    rewritten: list[str] = []

    def rewrite(number, name):
        if name == "delete_object" and not rewritten:
            rewritten.extend(inputs)
            for key in inputs:
                s3.put_object(Bucket=lake_bucket, Key=key, Body=parquet([row(key)]))

    outcome = keep_up(Watched(s3, rewrite), lake_bucket, later_ms=LATER_MS)

    assert (rewritten, outcome.removed) == (inputs, 0)
    assert set(inputs) <= set(keys(s3, lake_bucket))


def test_lake_of_only_erased_users_becomes_empty(s3):
    bucket = create_bucket(s3, "all-erased")
    fill(s3, bucket)

    for _ in range(2):
        keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))

    assert keys(s3, bucket) == []


DAY = served.partition_prefix("2026-09-21")
HOUR_MS = 3_600_000


def put(s3, bucket, name, *rows):
    s3.put_object(Bucket=bucket, Key=f"{DAY}{name}.parquet", Body=to_parquet(rows))


def stored(s3, bucket):
    bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys(s3, bucket, SERVED_PREFIX)}
    return {key: table_of(body).to_pylist() for key, body in bodies.items()}


def test_log_objects_are_merged_with_each_response_once(s3, lake_bucket):
    first, second, third = (answer(served_ms=SERVED_MS + n, propensities=[None, 0.5]) for n in range(3))
    put(s3, lake_bucket, "a", third, first)
    put(s3, lake_bucket, "b", first, second)
    put(s3, lake_bucket, "c", second)

    merging = keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS, table=SERVED)
    (merged,) = [rows for key, rows in stored(s3, lake_bucket).items() if "compacted-" in key]
    assert (merging.merged, merging.written) == (3, 1)
    assert merged == [as_stored(first), as_stored(second), as_stored(third)]
    assert len(keys(s3, lake_bucket, f"{COMPACTIONS_PREFIX}served_date=2026-09-21/")) == 1

    settled = keep_up(s3, lake_bucket, later_ms=4 * HOUR_MS, table=SERVED)
    assert settled.removed == 3
    assert list(stored(s3, lake_bucket).values()) == [merged]
    assert keys(s3, lake_bucket, COMPACTIONS_PREFIX) == []


def test_log_rows_of_erased_users_are_dropped(s3, lake_bucket):
    class Ann(NoErasedUsers):
        def now(self):
            return {"a" * 32: 1}

    others = answer(shopper="b" * 32)
    put(s3, lake_bucket, "a", answer(shopper="a" * 32))
    put(s3, lake_bucket, "b", others)
    put(s3, lake_bucket, "c", answer(shopper=None, session="a" * 32))

    keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS, table=SERVED, erased=Ann())

    (merged,) = [rows for key, rows in stored(s3, lake_bucket).items() if "compacted-" in key]
    assert merged == [as_stored(others)]


def test_compaction_of_one_table_leaves_other_tables_unchanged(s3, lake_bucket):
    for name in "abc":
        put(s3, lake_bucket, name, answer())
        write(s3, lake_bucket, name, [row(f"e-{name}")])
    answers = stored(s3, lake_bucket)

    keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS)
    keep_up(s3, lake_bucket, later_ms=4 * HOUR_MS, table=SERVED)

    assert len([key for key in stored(s3, lake_bucket) if "compacted-" not in key]) == len(answers) == 3
    assert len([key for key in keys(s3, lake_bucket) if "compacted-" in key]) == 1
    assert {key.split("=")[0] for key in keys(s3, lake_bucket, COMPACTIONS_PREFIX)} == {
        f"{COMPACTIONS_PREFIX}event_date",
        f"{COMPACTIONS_PREFIX}served_date",
    }
