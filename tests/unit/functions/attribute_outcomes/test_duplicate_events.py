"""Duplicates of an event ID, which count once, even if they differ."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from functions.attribute_outcomes.inputs import date_of
from functions.attribute_outcomes.response_items import ordered_sum
from tests.builders.arrivals import check_any_arrival, histories
from tests.builders.attribution import DAY, NOW_MS, SERVED_MS, answer, event

LATER_MS = NOW_MS + 30 * DAY_MS


def on(day, user="anna"):
    return answer(["pear"], user=user, served_ms=SERVED_MS + day * DAY_MS)


def order(of, *, received_day, after_days=0, value=10.0, **fields):
    received_ms = SERVED_MS + int(received_day * DAY_MS) + 60_000
    times = {"after_ms": after_days * DAY_MS + 60_000, "received_time_ms": received_ms}
    return event(of, "pear", "purchase", event_id="order-1", event_value=value, **times, **fields)


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
            date = partitions.event_date(copy["event_time_ms"])
            shop.s3.delete_object(Bucket=shop.bucket, Key=f"{partitions.partition_prefix(date)}e{number}.parquet")
    assert all(each == results[0] for each in results)
    return results[0]


AGAIN = {"sent-again": 1}


@pytest.mark.parametrize(
    ("served_days", "copies", "revenue", "rejected"),
    [
        # Only the purchase of 10.00 counts. The second response has no outcome, and its event is a duplicate.
        ([0, 2], [{"received_day": 0, "value": 10.0}, {"received_day": 2, "value": 12.0}], [10.0, 0.0], [{}, AGAIN]),
        ([0, 2], [{"received_day": 2.5, "value": 10.0}, {"received_day": 2, "value": 12.0}], [0.0, 12.0], [AGAIN, {}]),
        # The first response's window ends on day 7. The copy that was received first is an event of day 8.
        ([0, 8], [{"received_day": 8.5, "after_days": 6}, {"received_day": 8, "value": 9.0}], [0.0, 9.0], [AGAIN, {}]),
        ([0, 3, 6], [{"received_day": day} for day in (0, 3, 6)], [10.0, 0.0, 0.0], [{}, AGAIN, AGAIN]),
        (
            [0, 2, 2],
            [{"received_day": 0}, {"received_day": 2}, {"received_day": 3, "after_days": 1}],
            [10.0, 0.0],
            [{}, AGAIN],
        ),
        ([0, 1], [{"received_day": 1, "after_days": 1}, {"received_day": 1}], [10.0, 0.0], [{}, AGAIN]),
        ([0, 2], [{"received_day": 0}, {"received_day": 2, "user_id": "ben"}], [10.0, 10.0], [{}, {}]),
        (
            [0, 1],
            [{"received_day": 0, "recommendation_id": "forged"}, {"received_day": 1}],
            [0.0, 0.0],
            [{"forged": 1}, AGAIN],
        ),
    ],
    ids=[
        "first received",
        "backdated",
        "backdated into a closed window",
        "three days",
        "two on one day",
        "received at the same time",
        "two users",
        "first is forged",
    ],
)
def test_copies_of_an_order_count_once_in_any_order(shop, served_days, copies, revenue, rejected):
    """Copy n references response n. Each user counts separately."""
    users = [fields.get("user_id", "anna") for fields in copies]
    served = [on(day, user) for day, user in zip(served_days, users, strict=True)]
    shop.write_served(served)
    orders = [order(response, **fields) for response, fields in zip(served, copies, strict=True)]

    assert in_any_order(shop, orders, sorted(set(served_days))) == (revenue, rejected)


def test_copy_counts_after_its_original_is_erased(shop):
    first, second = on(0), on(1)
    shop.write_served([first, second])
    shop.write_events([order(first, received_day=0)], name="e0")
    shop.write_events([order(second, received_day=1)], name="e1")
    shop.attribute(now_ms=LATER_MS)
    assert found(shop, (0, 1)) == ([10.0, 0.0], [{}, {"sent-again": 1}])

    shop.s3.delete_object(Bucket=shop.bucket, Key=f"{partitions.partition_prefix(date_of(DAY))}e0.parquet")
    shop.attribute(now_ms=LATER_MS)

    assert found(shop, (0, 1)) == ([0.0, 10.0], [{}, {}])


@pytest.mark.parametrize(("days", "revenue"), [(7, [10.0, 0.0]), (8, [10.0, 10.0])])
def test_copies_within_seven_days_before_a_response_are_duplicates(shop, days, revenue):
    first, second = on(0), on(days)

    shop.process([first, second], [order(first, received_day=0), order(second, received_day=days)], now_ms=LATER_MS)

    assert found(shop, (0, days))[0] == revenue


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

    shop.process(rows, [event(row, "pear", "purchase", event_value=0.1) for row in rows], part_rows=20)

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
