"""Readers get the same counts during upkeep, and after upkeep that is interrupted at any call."""

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders.interrupted_upkeep import (
    LATER_MS,
    erase_during_a_merge,
    fill,
    join_another_call,
    kill_and_go_on,
    kill_at,
)
from tests.builders.lakes import Watched, counted, keep_up, listed, row, write
from tests.fakes.interruptions import Killed
from tests.fakes.places import create_bucket


@pytest.mark.ci
@pytest.mark.parametrize(
    ("interrupt", "minimum"), [(kill_and_go_on, 21), (join_another_call, 21), (erase_during_a_merge, 9)]
)
def test_read_counts_are_unchanged_by_upkeep_interrupted_at_any_step(s3, interrupt, minimum):
    steps = 0
    while interrupt(s3, create_bucket(s3, f"lake-{steps}"), step=steps):
        steps += 1

    assert steps >= minimum


def test_reader_during_upkeep_counts_the_same(s3):
    bucket = create_bucket(s3, "read")
    fill(s3, bucket)
    expected = counted(s3, bucket)
    listings: list[Any] = []
    reads = 0

    def look(number, name):
        nonlocal reads
        listings.append(listed(s3, bucket))
        for listing in listings[number % 2 :: 2]:  # the even or the odd listings so far, alternately
            assert counted(s3, bucket, listing) == expected, f"before call {number}, {name}"
            reads += 1

    keep_up(Watched(s3, look), bucket, later_ms=LATER_MS)
    during_the_merge, listings = listings, []  # the inputs are not deleted while a reader may need them
    outcome = keep_up(Watched(s3, look), bucket, later_ms=LATER_MS)

    assert outcome.removed == 4
    assert len(during_the_merge) > 8
    assert len(listings) > 8
    assert reads > 50


EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.integers(0, 1)), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), EVENTS),
        st.tuples(st.just("run"), st.sampled_from([0, LATER_MS])),
        st.tuples(st.just("kill"), st.integers(0, 25)),
    ),
    max_size=10,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_random_writes_and_interruptions_do_not_change_read_counts(steps, s3):
    bucket = create_bucket(s3, f"any-{len(s3.list_buckets()['Buckets'])}")
    written = create_bucket(s3, f"{bucket}-written")
    for number, (step, argument) in enumerate([("write", [("a", "x", 0)]), *steps]):
        if step == "write":
            rows = [row(event, item_id=item, received_time_ms=received) for event, item, received in argument]
            for each in (bucket, written):
                write(s3, each, str(number), rows)
        elif step == "run":
            keep_up(s3, bucket, later_ms=argument)
        else:
            with contextlib.suppress(Killed):
                keep_up(Watched(s3, kill_at(argument)), bucket, later_ms=LATER_MS)
        assert counted(s3, bucket) == counted(s3, written)
