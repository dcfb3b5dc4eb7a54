"""Calls that die between two steps, overtake each other, or find less than before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alsolike import engagement, lake, outcomes, served
from alsolike.errors import DaysFailed
from functions.attribute_outcomes.rules import DAY_MS, Rules, first_whole_day, window_cut_days
from tests.unit.functions.attribute_outcomes.shops import (
    DATE,
    DAY,
    NOW_MS,
    SERVED_MS,
    answer,
    attribute,
    engagement_of,
    event,
    outcomes_of,
    rejected,
    write_events,
    write_served,
)


class Killed(BaseException):
    """The process is gone: nothing that catches errors sees it."""


class Watched:
    """An S3 client that calls `before` with the number of each write."""

    def __init__(self, client: Any, before: Callable[[int], None]) -> None:
        self._client, self._before, self._writes = client, before, 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in ("put_object", "delete_object"):
            return method

        def call(**arguments: Any) -> Any:
            self._before(self._writes)
            self._writes += 1
            return method(**arguments)

        return call


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


def clicks(s3: Any, bucket: str) -> list[int]:
    return [row["clicks"] for row in outcomes_of(s3, bucket).values()]


@pytest.mark.parametrize("write", range(3))
def test_call_that_dies_before_a_write_is_made_good_by_the_next(s3: Any, lake_bucket: str, write: int) -> None:
    given = answer(["pear", "plum"])
    write_served(s3, lake_bucket, [given])
    write_events(s3, lake_bucket, [event(given, "pear")])
    attribute(s3, lake_bucket)
    write_events(s3, lake_bucket, [event(given, "plum")], name="late")

    def die(number: int) -> None:
        if number == write:
            raise Killed

    with pytest.raises(Killed):
        attribute(Watched(s3, die), lake_bucket)

    assert clicks(s3, lake_bucket) == [1 if write == 0 else 2]  # the row is there once, of before or of after
    assert attribute(s3, lake_bucket).days == 1
    assert clicks(s3, lake_bucket) == [2]
    assert engagement_of(s3, lake_bucket)["all", "all"].clicks == 2
    assert attribute(s3, lake_bucket).days == 0


@pytest.mark.parametrize("write", range(3))
def test_call_that_was_overtaken_is_made_good_by_the_next(s3: Any, lake_bucket: str, write: int) -> None:
    given = answer(["pear", "plum"])
    write_served(s3, lake_bucket, [given])
    write_events(s3, lake_bucket, [event(given, "pear")])

    def overtake(number: int) -> None:
        if number == write:
            write_events(s3, lake_bucket, [event(given, "plum")], name="late")
            attribute(s3, lake_bucket)

    attribute(Watched(s3, overtake), lake_bucket)
    attribute(s3, lake_bucket)

    assert clicks(s3, lake_bucket) == [2]
    assert engagement_of(s3, lake_bucket)["all", "all"].clicks == 2


def test_day_is_computed_anew_only_where_something_changed(s3: Any, lake_bucket: str) -> None:
    days = [answer(["pear"], served_ms=answer([])["served_ms"] + n * 10 * DAY_MS) for n in range(3)]
    write_served(s3, lake_bucket, days)
    write_events(s3, lake_bucket, [event(each, "pear") for each in days])

    assert attribute(s3, lake_bucket, now_ms=NOW_MS + 30 * DAY_MS).days == 3
    assert attribute(s3, lake_bucket, now_ms=NOW_MS + 30 * DAY_MS).days == 0
    write_events(s3, lake_bucket, [event(days[1], "pear", "cart", after_ms=DAY_MS)], name="late")
    assert attribute(s3, lake_bucket, now_ms=NOW_MS + 30 * DAY_MS).days == 2  # its own, and that on which it happened


def test_outcomes_that_somebody_wrote_over_are_computed_anew(s3: Any, lake_bucket: str) -> None:
    write_served(s3, lake_bucket, [answer(["pear"])])
    attribute(s3, lake_bucket)
    s3.put_object(Bucket=lake_bucket, Key=outcomes.object_key(DATE), Body=b"less")

    assert attribute(s3, lake_bucket).days == 1
    assert clicks(s3, lake_bucket) == [0]


def test_answers_that_an_erasure_removed_are_gone_from_the_outcomes(s3: Any, lake_bucket: str) -> None:
    kept, erased = answer(["pear"], user="bob"), answer(["plum"])
    write_served(s3, lake_bucket, [kept, erased])
    write_events(s3, lake_bucket, [event(erased, "plum"), event(kept, "pear", user_id="bob")])
    attribute(s3, lake_bucket)
    write_served(s3, lake_bucket, [kept])
    write_events(s3, lake_bucket, [event(kept, "pear", user_id="bob")])

    attribute(s3, lake_bucket)

    assert list(outcomes_of(s3, lake_bucket)) == [kept["recommendation_id"]]
    assert engagement_of(s3, lake_bucket)["all", "all"].answers == 1


def test_day_keeps_its_results_while_what_they_follow_from_expires(s3: Any, lake_bucket: str) -> None:
    given = answer(["pear"])
    write_served(s3, lake_bucket, [given])
    write_events(s3, lake_bucket, [event(given, "pear")])
    attribute(s3, lake_bucket)
    s3.delete_object(Bucket=lake_bucket, Key=f"{lake.partition_prefix(DATE)}a.parquet")

    attribute(s3, lake_bucket, first_day=DAY + 1)
    assert clicks(s3, lake_bucket) == [1]

    attribute(s3, lake_bucket, first_day=DAY)
    assert clicks(s3, lake_bucket) == [0]


def test_sums_outlive_the_answers(s3: Any, lake_bucket: str) -> None:
    given = answer(["pear"])
    write_served(s3, lake_bucket, [given])
    write_events(s3, lake_bucket, [event(given, "pear"), event("forged", "pear")])
    attribute(s3, lake_bucket)
    s3.delete_object(Bucket=lake_bucket, Key=f"{served.partition_prefix(DATE)}a.parquet")

    attribute(s3, lake_bucket)
    attribute(s3, lake_bucket)

    assert s3.list_objects_v2(Bucket=lake_bucket, Prefix=outcomes.PREFIX)["KeyCount"] == 0
    assert engagement_of(s3, lake_bucket)["all", "all"].clicks == 1
    assert rejected(s3, lake_bucket) == {"forged": 1}
    assert s3.list_objects_v2(Bucket=lake_bucket, Prefix=engagement.PREFIX)["KeyCount"] == 1


def test_answers_that_expired_are_not_unknown_to_the_days_after_them(s3: Any, lake_bucket: str) -> None:
    given, next_day = answer(["pear"]), answer(["pear"], served_ms=SERVED_MS + DAY_MS)
    write_served(s3, lake_bucket, [given, next_day])
    write_events(s3, lake_bucket, [event(given, "pear", after_ms=DAY_MS)])
    attribute(s3, lake_bucket)
    s3.delete_object(Bucket=lake_bucket, Key=f"{served.partition_prefix(DATE)}a.parquet")

    assert attribute(s3, lake_bucket, first_day=DAY + 1).days == 0
    assert rejected(s3, lake_bucket, DAY + 1) == {}


@pytest.mark.parametrize(("retention_days", "computed", "cut_days"), [(15, 2, 0), (10, 2, 5), (7, 1, 8)])
def test_short_retention_is_told(
    s3: Any, lake_bucket: str, caplog: pytest.LogCaptureFixture, retention_days: int, computed: int, cut_days: int
) -> None:
    write_served(s3, lake_bucket, [answer(["pear"]), answer(["pear"], served_ms=SERVED_MS + DAY_MS)])

    outcome = attribute(s3, lake_bucket, **kept_for(retention_days))

    assert (outcome.days, outcome.window_cut_days, outcome.failed) == (computed, cut_days, {})
    assert ("kept before their window is over" in caplog.text) == (cut_days > 0)


def test_retention_with_which_no_day_is_whole_fails_the_call(s3: Any, lake_bucket: str) -> None:
    write_served(s3, lake_bucket, [answer(["pear"], served_ms=SERVED_MS + DAY_MS)])
    write_events(s3, lake_bucket, [event("forged", "pear", after_ms=DAY_MS)])

    outcome = attribute(s3, lake_bucket, **kept_for(6))

    assert outcome.days == 0
    with pytest.raises(DaysFailed, match=r"2026-09-22: limits\.retention_days keeps less than the 7 days"):
        outcome.raise_failures()


def kept_for(retention_days: int) -> dict[str, int]:
    return {
        "first_day": first_whole_day(NOW_MS, served_days=90, retention_days=retention_days),
        "cut_days": window_cut_days(retention_days, Rules()),
    }
