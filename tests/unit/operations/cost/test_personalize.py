"""Bill of Personalize for the same load."""

import dataclasses

import pytest

from operations import cost
from operations.cost.bill import DAYS
from tests.unit.operations.cost.bills import NOTHING, dollars, summary


def test_personalize_is_priced_by_requests_interactions_and_its_minimum() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=10_000, requests_per_day=24_000, history_days=100)

    bill = cost.estimate_personalize(load)

    requests, minimum = 24_000 * DAYS, 730 * 3_600  # 730,000 of 2,628,000
    assert dollars(bill, "requests") == pytest.approx(requests * 0.15e-3)
    assert dollars(bill, "up to the minimum") == pytest.approx((minimum - requests) * 0.15e-3)
    assert dollars(bill, "training") == pytest.approx(1_000_000 * DAYS / 7 * 2e-6)
    assert bill.idle_dollars == pytest.approx(minimum * 0.15e-3)


def test_busy_campaign_of_personalize_has_no_minimum_charge() -> None:
    bill = cost.estimate_personalize(dataclasses.replace(NOTHING, requests_per_day=86_400))

    assert dollars(bill, "up to the minimum") == 0


def test_fixed_costs_of_personalize_are_the_difference_to_its_minimum() -> None:
    load = dataclasses.replace(NOTHING, events_per_day=50_000, requests_per_day=20_000)

    bill = cost.estimate_personalize(load)

    requests = 20_000 * DAYS  # 608,333
    trained, ingested = 50_000 * 365 * DAYS / 7 * 2e-6, 50_000 * DAYS * 200 / 1e9 * 0.05
    assert bill.fixed_dollars == pytest.approx((2_628_000 - requests) * 0.15e-3)  # $302.95
    assert bill.usage_dollars == pytest.approx(requests * 0.15e-3 + trained + ingested)  # $249.87


def test_remarks_combine_both_bills_and_their_unconfirmed_prices() -> None:
    ours = dataclasses.replace(cost.estimate(summary(), NOTHING), remarks=("a",), unverified=("z", "y"))
    theirs = dataclasses.replace(cost.estimate_personalize(NOTHING), remarks=("b",), unverified=("y", "x"))

    assert cost.remarks(ours, theirs) == [
        "a",
        "Personalize: b",
        "not confirmed by any page that could be read: the prices x, y, z",
    ]
    confirmed = [dataclasses.replace(bill, remarks=(), unverified=()) for bill in (ours, theirs)]
    assert cost.remarks(*confirmed) == []
