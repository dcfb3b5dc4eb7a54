"""Interrupted and concurrent upkeep, and erased users. The slow tests interrupt each call."""

import pytest

from functions.compact_lake.service import UpkeepResult
from tests.builders.interrupted_upkeep import (
    LATER_MS,
    Tombstones,
    erase_during_a_merge,
    fill,
    join_another_call,
    kill_and_go_on,
)
from tests.builders.lakes import Watched, counted, keep_up, keys, parquet, row, write
from tests.fakes.places import create_bucket


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.mark.parametrize("step", [4, 11, 18])
def test_killed_upkeep_loses_no_event_and_next_calls_finish(s3, lake_bucket, step):
    """Interrupt the upkeep at some steps. The slow tests interrupt each step."""
    assert kill_and_go_on(s3, lake_bucket, step=step)


@pytest.mark.parametrize("step", [6, 14])
def test_concurrent_upkeep_calls_lose_no_event(s3, lake_bucket, step):
    assert join_another_call(s3, lake_bucket, step=step)


def test_merge_started_by_another_call_is_left_to_it(s3, lake_bucket):
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


def test_rows_of_erased_users_are_dropped(s3):
    bucket = create_bucket(s3, "erased")
    for n in range(3):
        write(
            s3, bucket, str(n), [row(f"a{n}", user_id="anna"), row(f"b{n}", user_id="bob"), row(f"s{n}", user_id=None)]
        )

    keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))
    keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))

    assert {each["user_id"] for each in counted(s3, bucket)} == {"bob", None}


def test_lake_of_only_erased_users_becomes_empty(s3):
    bucket = create_bucket(s3, "all-erased")
    fill(s3, bucket)

    for _ in range(2):
        keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))

    assert keys(s3, bucket) == []
