"""Interrupted and concurrent calls, and calls that find deleted input."""

import pytest

from alsolike.declarations.storage import ENGAGEMENT_PREFIX, OUTCOMES_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.lake import outcomes, partitions, served
from alsolike.runtime.errors import DaysFailed
from functions.attribute_outcomes.attribution_rules import AttributionRules, first_whole_day, window_cut_days
from tests.builders.attribution import DATE, DAY, NOW_MS, SERVED_MS, Lake, answer, event
from tests.fakes.interruptions import Killed


class Watched:
    """S3 client that calls `before` ahead of each write, with the number of earlier writes."""

    def __init__(self, client, before):
        self._client, self._before, self._writes = client, before, 0

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if name not in ("put_object", "delete_object"):
            return method

        def call(**arguments):
            self._before(self._writes)
            self._writes += 1
            return method(**arguments)

        return call


def clicks(shop):
    return [row["clicks"] for row in shop.outcomes().values()]


@pytest.mark.parametrize("write", range(3))
def test_call_interrupted_before_a_write_is_completed_by_the_next_call(shop, write):
    given = answer(["pear", "plum"])

    shop.process([given], [event(given, "pear")])
    shop.write_events([event(given, "plum")], name="late")

    def die(number):
        if number == write:
            raise Killed

    with pytest.raises(Killed):
        Lake(Watched(shop.s3, die), shop.bucket).attribute()

    assert clicks(shop) == [1 if write == 0 else 2]  # The row exists once, with either the old or the new content.
    assert shop.attribute().days == 1
    assert clicks(shop) == [2]
    assert shop.engagement()["all", "all"].clicks == 2
    assert shop.attribute().days == 0


@pytest.mark.parametrize("write", range(3))
def test_call_overtaken_by_another_is_corrected_by_the_next_call(shop, write):
    given = answer(["pear", "plum"])
    shop.write_served([given])
    shop.write_events([event(given, "pear")])

    def overtake(number):
        if number == write:
            shop.write_events([event(given, "plum")], name="late")
            shop.attribute()

    Lake(Watched(shop.s3, overtake), shop.bucket).attribute()
    shop.attribute()

    assert clicks(shop) == [2]
    assert shop.engagement()["all", "all"].clicks == 2


def test_day_is_recomputed_only_after_a_change(shop):
    days = [answer(["pear"], served_ms=answer([])["served_ms"] + n * 10 * DAY_MS) for n in range(3)]
    shop.write_served(days)
    shop.write_events([event(each, "pear") for each in days])

    assert shop.attribute(now_ms=NOW_MS + 30 * DAY_MS).days == 3
    assert shop.attribute(now_ms=NOW_MS + 30 * DAY_MS).days == 0
    shop.write_events([event(days[1], "pear", "cart", after_ms=DAY_MS)], name="late")
    # The recomputed days are the day of the response and the day of the event.
    assert shop.attribute(now_ms=NOW_MS + 30 * DAY_MS).days == 2


def test_overwritten_outcomes_are_recomputed(shop):
    shop.process([answer(["pear"])])
    shop.s3.put_object(Bucket=shop.bucket, Key=outcomes.object_key(DATE), Body=b"less")

    assert shop.attribute().days == 1
    assert clicks(shop) == [0]


def test_erased_responses_are_removed_from_outcomes(shop):
    kept, erased = answer(["pear"], user="bob"), answer(["plum"])

    shop.process([kept, erased], [event(erased, "plum"), event(kept, "pear", user_id="bob")])
    shop.process([kept], [event(kept, "pear", user_id="bob")])

    assert list(shop.outcomes()) == [kept["recommendation_id"]]
    assert shop.engagement()["all", "all"].answers == 1


def test_day_keeps_its_results_while_its_inputs_expire(shop):
    given = answer(["pear"])

    shop.process([given], [event(given, "pear")])
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{partitions.partition_prefix(DATE)}a.parquet")

    shop.attribute(first_day=DAY + 1)
    assert clicks(shop) == [1]

    shop.attribute(first_day=DAY)
    assert clicks(shop) == [0]


def test_sums_remain_after_responses_expire(shop):
    given = answer(["pear"])

    shop.process([given], [event(given, "pear"), event("forged", "pear")])
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{served.partition_prefix(DATE)}a.parquet")

    shop.attribute()
    shop.attribute()

    assert shop.s3.list_objects_v2(Bucket=shop.bucket, Prefix=OUTCOMES_PREFIX)["KeyCount"] == 0
    assert shop.engagement()["all", "all"].clicks == 1
    assert shop.rejected() == {"forged": 1}
    assert shop.s3.list_objects_v2(Bucket=shop.bucket, Prefix=ENGAGEMENT_PREFIX)["KeyCount"] == 1


def test_expired_responses_are_not_unknown_for_later_days(shop):
    given, next_day = answer(["pear"]), answer(["pear"], served_ms=SERVED_MS + DAY_MS)

    shop.process([given, next_day], [event(given, "pear", after_ms=DAY_MS)])
    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{served.partition_prefix(DATE)}a.parquet")

    assert shop.attribute(first_day=DAY + 1).days == 0
    assert shop.rejected(DAY + 1) == {}


@pytest.mark.parametrize(("retention_days", "computed", "cut_days"), [(15, 2, 0), (10, 2, 5), (7, 1, 8)])
def test_short_retention_shortens_windows_and_logs_a_warning(shop, caplog, retention_days, computed, cut_days):
    shop.write_served([answer(["pear"]), answer(["pear"], served_ms=SERVED_MS + DAY_MS)])

    outcome = shop.attribute(**kept_for(retention_days))

    assert (outcome.days, outcome.window_cut_days, outcome.failed) == (computed, cut_days, {})
    assert ("final before the end of their window" in caplog.text) == (cut_days > 0)


def test_retention_shorter_than_the_window_fails_the_call(shop):
    shop.write_served([answer(["pear"], served_ms=SERVED_MS + DAY_MS)])
    shop.write_events([event("forged", "pear", after_ms=DAY_MS)])

    outcome = shop.attribute(**kept_for(6))

    assert outcome.days == 0
    with pytest.raises(DaysFailed, match=r"2026-09-22: limits\.retention_days keeps fewer than the 7 days"):
        outcome.raise_failures()


def kept_for(retention_days):
    return {
        "first_day": first_whole_day(NOW_MS, served_days=90, retention_days=retention_days),
        "cut_days": window_cut_days(retention_days, AttributionRules()),
    }
