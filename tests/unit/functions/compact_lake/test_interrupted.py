"""Upkeep that is stopped, watched and joined at each of its calls: readers count the same throughout."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.compact_lake.receipts import PREFIX
from tests.fakes.places import create_bucket
from tests.unit.functions.compact_lake.lakes import (
    HOUR_MS,
    Killed,
    Watched,
    counted,
    keep_up,
    keys,
    listed,
    parquet,
    row,
    write,
)

LATER_MS = HOUR_MS + 1_000


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


def fill(s3: Any, bucket: str) -> list[str]:
    return [write(s3, bucket, f"shard-{n}", [row(f"e{n}"), row(f"e{n + 1}", item_id=f"i{n}")]) for n in range(4)]


def kill_at(step: int) -> Callable[[int, str], None]:
    def before(number: int, name: str) -> None:
        if number == step:
            raise Killed

    return before


def test_killed_at_any_step_it_loses_and_doubles_nothing_and_the_next_calls_finish(s3: Any) -> None:
    killed = 0
    for step in itertools.count():
        bucket = create_bucket(s3, f"killed-{step}")
        raw = fill(s3, bucket)
        expected = counted(s3, bucket)
        client = Watched(s3, kill_at(step))
        try:
            keep_up(client, bucket, later_ms=LATER_MS)  # merges
            keep_up(client, bucket, later_ms=LATER_MS)  # removes the inputs
        except Killed:
            killed += 1
        else:
            break
        assert counted(s3, bucket) == expected, f"killed at step {step}"

        for _ in range(3):
            keep_up(s3, bucket, later_ms=LATER_MS)
        assert counted(s3, bucket) == expected, f"gone on after step {step}"
        (merged,) = keys(s3, bucket)
        assert merged not in raw
        assert keys(s3, bucket, PREFIX) == []
    assert killed > 20


def test_whoever_lists_and_reads_meanwhile_counts_the_same(s3: Any) -> None:
    bucket = create_bucket(s3, "read")
    fill(s3, bucket)
    expected = counted(s3, bucket)
    listings: list[Any] = []
    reads = 0

    def look(number: int, name: str) -> None:
        nonlocal reads
        listings.append(listed(s3, bucket))
        for listing in listings[number % 2 :: 2]:  # of the earlier ones every other, in turn
            assert counted(s3, bucket, listing) == expected, f"before call {number}, {name}"
            reads += 1

    keep_up(Watched(s3, look), bucket, later_ms=LATER_MS)
    during_the_merge, listings = listings, []  # the inputs stay longer than a reader takes
    outcome = keep_up(Watched(s3, look), bucket, later_ms=LATER_MS)

    assert outcome.removed == 4
    assert len(during_the_merge) > 8
    assert len(listings) > 8
    assert reads > 50


def test_calls_at_the_same_time_are_harmless(s3: Any) -> None:
    for step in itertools.count(step=2):
        bucket = create_bucket(s3, f"joined-{step}")
        fill(s3, bucket)
        expected = counted(s3, bucket)
        joined: list[int] = []

        def join(number: int, name: str, *, at: int = step, bucket: str = bucket, joined: list[int] = joined) -> None:
            if number == at:
                joined.append(number)
                keep_up(s3, bucket, later_ms=LATER_MS)

        client = Watched(s3, join)
        for _ in range(2):
            keep_up(client, bucket, later_ms=LATER_MS)
            assert counted(s3, bucket) == expected, f"joined at step {step}"
        for _ in range(2):
            keep_up(s3, bucket, later_ms=LATER_MS)
        assert len(keys(s3, bucket)) == 1
        assert counted(s3, bucket) == expected
        if not joined:
            break
    assert step > 20


@dataclasses.dataclass
class Tombstones:
    """Erased users whose hash is their id; `now` may be told of one more at any look."""

    erased: dict[str, int]

    def now(self) -> Mapping[str, int]:
        return dict(self.erased)

    def hash(self, user_id: str) -> str:
        return user_id


def test_rows_of_erased_users_are_left_out(s3: Any) -> None:
    bucket = create_bucket(s3, "erased")
    for n in range(3):
        write(
            s3, bucket, str(n), [row(f"a{n}", user_id="anna"), row(f"b{n}", user_id="bob"), row(f"s{n}", user_id=None)]
        )

    keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))
    keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))

    assert {each["user_id"] for each in counted(s3, bucket)} == {"bob", None}


def test_nothing_is_left_of_a_lake_of_erased_users(s3: Any) -> None:
    bucket = create_bucket(s3, "all-erased")
    fill(s3, bucket)

    for _ in range(2):
        keep_up(s3, bucket, later_ms=LATER_MS, erased=Tombstones({"anna": 1}))

    assert keys(s3, bucket) == []


def test_user_erased_while_a_merge_runs_is_not_brought_back_by_it(s3: Any) -> None:
    """Erasure puts the tombstone first, then writes the files anew that it has listed."""
    for step in itertools.count():
        bucket = create_bucket(s3, f"erasing-{step}")
        for n in range(3):
            write(s3, bucket, str(n), [row(f"a{n}", user_id="anna"), row(f"b{n}", user_id="bob")])
        tombstones = Tombstones({})
        erased = []

        def erase(number: int, name: str, *, at: int = step, bucket: str = bucket) -> None:
            if number == at:
                erased.append(number)  # noqa: B023
                tombstones.erased["anna"] = 1  # noqa: B023
                for key in keys(s3, bucket):
                    left = [row(f"b{n}", user_id="bob") for n in range(3)]
                    if "compacted-" in key:
                        s3.put_object(Bucket=bucket, Key=key, Body=parquet(left))
                    else:
                        n = int(key[-9])
                        s3.put_object(Bucket=bucket, Key=key, Body=parquet([left[n]]))

        keep_up(Watched(s3, erase), bucket, later_ms=LATER_MS, erased=tombstones)

        if not erased:
            break
        assert {each["user_id"] for each in counted(s3, bucket)} == {"bob"}, f"erased at step {step}"
        for _ in range(3):
            keep_up(s3, bucket, later_ms=LATER_MS, erased=tombstones)
        assert {each["event_id"] for each in counted(s3, bucket)} == {"b0", "b1", "b2"}
        assert {each["user_id"] for each in counted(s3, bucket)} == {"bob"}
    assert step > 8


EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.integers(0, 1)), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), EVENTS),
        st.tuples(st.just("run"), st.sampled_from([0, LATER_MS])),
        st.tuples(st.just("kill"), st.integers(0, 25)),
    ),
    max_size=10,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_comes_and_is_stopped_readers_count_what_was_written(steps: list[Any], s3: Any) -> None:
    bucket = create_bucket(s3, f"any-{len(s3.list_buckets()['Buckets'])}")
    written = create_bucket(s3, f"{bucket}-written")
    for number, (what, argument) in enumerate([("write", [("a", "x", 0)]), *steps]):
        if what == "write":
            rows = [row(event, item_id=item, received_time_ms=received) for event, item, received in argument]
            for each in (bucket, written):
                write(s3, each, str(number), rows)
        elif what == "run":
            keep_up(s3, bucket, later_ms=argument)
        else:
            with contextlib.suppress(Killed):
                keep_up(Watched(s3, kill_at(argument)), bucket, later_ms=LATER_MS)
        assert counted(s3, bucket) == counted(s3, written)
