"""Duplicates of an event ID, which count once, even if they differ."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alsolike.declarations.times import DAY_MS
from alsolike.lake import lake
from functions.attribute_outcomes.inputs import date_of
from functions.attribute_outcomes.slate import ordered_sum
from tests.builders.arrivals import check_any_arrival, histories
from tests.builders.attribution import DAY, NOW_MS, SERVED_MS, answer, event

Row = dict[str, Any]
LATER_MS = NOW_MS + 30 * DAY_MS


def on(day, user="anna"):
    """Return a response that was served `day` days after `SERVED_MS`."""
    return answer(["pear"], user=user, served_ms=SERVED_MS + day * DAY_MS)


def order(of, *, received_day, after_days=0, value=10.0):
    return event(
        of,
        "pear",
        "purchase",
        event_id="order-1",
        event_value=value,
        after_ms=after_days * DAY_MS + 60_000,
        received_time_ms=SERVED_MS + int(received_day * DAY_MS) + 60_000,
    )


def found(shop, days):
    revenue = [sum(row["revenue"] for row in shop.outcomes(date_of(DAY + day)).values()) for day in days]
    return revenue, [shop.rejected(DAY + day) for day in days]


def in_any_order(shop, copies, days):
    """Check that duplicates have the same result in any order of arrival, and return the result.

    Attribution runs after each arrival.
    """
    results = []
    for arrivals in itertools.permutations(copies):
        for number, copy in enumerate(arrivals):
            shop.write_events([copy], name=f"e{number}")
            shop.attribute(now_ms=LATER_MS)
        results.append(found(shop, days))
        for number, copy in enumerate(arrivals):
            date = lake.event_date(copy["event_time_ms"])
            shop.s3.delete_object(Bucket=shop.bucket, Key=f"{lake.partition_prefix(date)}e{number}.parquet")
    assert all(each == results[0] for each in results)
    return results[0]


def test_order_sent_again_for_another_response_counts_for_the_first(shop):
    first, second = on(0), on(2)
    shop.write_served([first, second])
    copies = [order(first, received_day=0, value=10.0), order(second, received_day=2, value=12.0)]

    # Only the purchase of 10.00 counts. The second response has no outcome, and one event of its day is a duplicate.
    assert in_any_order(shop, copies, (0, 2)) == ([10.0, 0.0], [{}, {"sent-again": 1}])


def test_backdated_copy_does_not_replace_the_first_received_event(shop):
    first, second = on(0), on(2)
    shop.write_served([first, second])
    copies = [order(second, received_day=2, value=12.0), order(first, received_day=2.5, value=10.0)]

    assert in_any_order(shop, copies, (0, 2)) == ([0.0, 12.0], [{"sent-again": 1}, {}])


def test_copy_backdated_into_closed_window_counts_as_duplicate(shop):
    old, new = on(0), on(8)
    shop.write_served([old, new])
    copies = [order(new, received_day=8, value=12.0), order(old, received_day=8.5, after_days=6)]

    # The window of the old response ends on the seventh day, before the date of the event that was received first.
    assert in_any_order(shop, copies, (0, 8)) == ([0.0, 12.0], [{"sent-again": 1}, {}])


def test_three_copies_on_three_days_count_once(shop):
    given = [on(day) for day in (0, 3, 6)]
    shop.write_served(given)
    copies = [order(of, received_day=day) for of, day in zip(given, (0, 3, 6), strict=True)]

    assert in_any_order(shop, copies, (0, 3, 6)) == ([10.0, 0.0, 0.0], [{}, {"sent-again": 1}, {"sent-again": 1}])


def test_copies_on_one_day_are_one_duplicate(shop):
    first, second, third = on(0), on(2), on(2)
    shop.write_served([first, second, third])
    copies = [order(first, received_day=0), order(second, received_day=2), order(third, received_day=3, after_days=1)]

    assert in_any_order(shop, copies, (0, 2)) == ([10.0, 0.0], [{}, {"sent-again": 1}])


def test_copies_received_at_same_time_count_for_the_earlier_day(shop):
    first, second = on(0), on(1)
    shop.write_served([first, second])
    copies = [order(first, received_day=1, after_days=1), order(second, received_day=1)]

    assert in_any_order(shop, copies, (0, 1)) == ([10.0, 0.0], [{}, {"sent-again": 1}])


def test_order_id_used_by_two_users_counts_for_both(shop):
    first, second = on(0), on(2, "ben")
    shop.write_served([first, second])
    copies = [order(first, received_day=0), {**order(second, received_day=2), "user_id": "ben"}]

    assert in_any_order(shop, copies, (0, 2)) == ([10.0, 10.0], [{}, {}])


def test_forged_event_stays_forged_when_sent_again(shop):
    first, second = on(0), on(1)
    shop.write_served([first, second])
    forged = {**order(first, received_day=0), "recommendation_id": "forged"}

    assert in_any_order(shop, [forged, order(second, received_day=1)], (0, 1)) == (
        [0.0, 0.0],
        [{"forged": 1}, {"sent-again": 1}],
    )


def test_copy_counts_after_its_original_is_erased(shop):
    first, second = on(0), on(1)
    shop.write_served([first, second])
    shop.write_events([order(first, received_day=0)], name="e0")
    shop.write_events([order(second, received_day=1)], name="e1")
    shop.attribute(now_ms=LATER_MS)
    assert found(shop, (0, 1)) == ([10.0, 0.0], [{}, {"sent-again": 1}])

    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{lake.partition_prefix(date_of(DAY))}e0.parquet")
    shop.attribute(now_ms=LATER_MS)

    assert found(shop, (0, 1)) == ([0.0, 10.0], [{}, {}])


@pytest.mark.parametrize(("days", "revenue"), [(7, [10.0, 0.0]), (8, [10.0, 10.0])])
def test_copies_within_seven_days_before_a_response_are_duplicates(shop, days, revenue):
    first, second = on(0), on(days)
    shop.write_served([first, second])
    shop.write_events([order(first, received_day=0), order(second, received_day=days)])

    shop.attribute(now_ms=LATER_MS)

    assert found(shop, (0, days))[0] == revenue


def test_event_sent_again_counts_once(shop, judged, given):
    bought = event(given, "pear", "return", event_value=5.0)
    assert judged(bought, bought) == {}

    other = answer(["pear"], user="bob")
    purchase = event(other, "pear", "purchase", user_id="bob", event_value=10.0)
    shop.write_served([other], name="b")
    shop.write_events([purchase, {**purchase, "received_time_ms": purchase["received_time_ms"] + 5}], name="b")
    shop.write_events([purchase], name="c")
    shop.attribute()

    row = shop.outcomes()[other["recommendation_id"]]
    assert (row["purchases"], row["revenue"]) == (1, 10.0)


def test_event_sent_again_for_another_response_is_ignored(shop, given):
    other = answer(["pear"])
    first = event(given, "pear", "purchase", event_value=10.0)
    again = {
        **first,
        "recommendation_id": other["recommendation_id"],
        "received_time_ms": first["received_time_ms"] + 1,
    }
    shop.write_served([given, other])
    shop.write_events([again, first])

    shop.attribute()

    rows = shop.outcomes()
    assert rows[given["recommendation_id"]]["revenue"] == 10.0
    assert rows[other["recommendation_id"]]["revenue"] == 0.0


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # Shrinking a failing example takes minutes.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories(), data=st.data())
def test_results_do_not_depend_on_order_of_arrival(aws, history, data):
    """Test two histories. The slow tests use more histories."""
    check_any_arrival(aws("s3"), history, data)


def test_many_partitions_give_the_same_outcomes(shop):
    rows = [answer(["pear"], user=None) for _ in range(50)]
    shop.write_served(rows)
    shop.write_events([event(row, "pear", "purchase", event_value=0.1) for row in rows])

    shop.attribute(part_rows=20)

    assert len(shop.outcomes()) == 50
    # In floating-point numbers, fifty additions of 0.1 would have rounding errors.
    assert dataclasses.asdict(shop.engagement()["all", "all"])["revenue"] == 5.0


def test_differing_copies_of_a_response_give_same_result_in_any_order(shop):
    one = answer(["pear", "plum"])
    other = {**one, "item_ids": ["pear"]}
    found = []
    for first, second in ((one, other), (other, one)):
        shop.write_served([first], name="a")
        shop.write_served([second], name="b")
        shop.attribute()
        (row,) = shop.outcomes().values()
        found.append(row["items"])

    assert found[0] == found[1]


def test_ordered_sum_does_not_depend_on_order_of_terms():
    terms = (0.1, 0.2, 0.7, 1e9)
    sums = {
        tuple(ordered_sum(np.zeros(4, np.int64), np.array(each), 1).tolist()) for each in itertools.permutations(terms)
    }

    assert len({sum(each) for each in itertools.permutations(terms)}) > 1
    assert len(sums) == 1


def test_event_copies_for_responses_of_two_days_count_once(shop):
    first, second = answer(["pear"], served_ms=SERVED_MS - DAY_MS), answer(["pear"])
    order = event(second, "pear", "purchase", event_value=10.0)
    copy = {**order, "recommendation_id": first["recommendation_id"]}
    others = [event(of, "pear", "purchase", event_value=1.0) for of in (first, second)]
    shop.write_served([first, second])
    for earlier in (order, copy):  # The event that was received first counts.
        shop.write_events([*others, {**order, "received_time_ms": order["received_time_ms"] + 1}], name="a")
        shop.write_events([{**copy, "received_time_ms": copy["received_time_ms"] + 1}, earlier], name="b")

        shop.attribute()

        days = [shop.outcomes(date).values() for date in ("2026-09-20", "2026-09-21")]
        revenue = [row["revenue"] for rows in days for row in rows]
        assert revenue == ([1.0, 11.0] if earlier is order else [11.0, 1.0])
