"""Results do not depend on order of arrival, split into objects, redeliveries and repeated calls."""

import dataclasses
import itertools

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.attribute_outcomes.rules import DAY_MS
from functions.attribute_outcomes.slate import ordered_sum
from tests.builders.arrivals import check_any_arrival, histories
from tests.builders.attribution import SERVED_MS, answer, event


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
    # The exact sum has no rounding errors of fifty times 0.1.
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
