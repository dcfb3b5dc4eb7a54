"""Cost of the same load on Amazon Personalize."""

from __future__ import annotations

import dataclasses

from operations import prices
from operations.cost.bill import DAYS, MONTH_S, NO_LOAD, Bill, Load
from operations.cost.charges import ROW_BYTES

EVENT_BYTES = 200  # event in PutEvents, with its IDs, type, time and session
TRAININGS = DAYS / 7  # per month: automatic training runs every seven days by default
MIN_REQUESTS = 1 * MONTH_S  # per month: `minProvisionedTPS` of a campaign is at least 1


def estimate_personalize(load: Load, *, free_tier: bool = False) -> Bill:
    """Return the cost of the load on one campaign of a custom solution with `aws-user-personalization-v2`.

    https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html describes the minimum charge.
    """
    bill, idle = (_bill(each, free_tier=free_tier) for each in (load, NO_LOAD))
    older = prices.dollars("personalize_legacy_requests", MIN_REQUESTS, free_tier=free_tier)
    bill.remarks += [
        "one custom solution of User-Personalization-v2 with one campaign: ingested GB, interactions of each training, "
        "requests; other uses, such as similar items, need additional campaigns",
        f"a campaign is charged one request a second at least, ${bill.fixed_dollars:,.2f} of this sum, says its "
        f"documentation. That the price of v2 holds for it was not confirmed; of older recipes it is ${older:,.2f}",
        "not counted: the first import of the history, and the function that calls the API from the shop's pages",
    ]
    return dataclasses.replace(bill, idle_dollars=idle.dollars)


def _bill(load: Load, *, free_tier: bool) -> Bill:
    bill, requests = Bill("Amazon Personalize", load, free_tier), load.requests + load.static_requests
    unused = max(0.0, MIN_REQUESTS - requests)
    bill.add("up to the minimum", unused, "personalize_requests", "one request per second, used or not", fixed=True)
    gb, how = (
        (load.events * EVENT_BYTES + load.changes * ROW_BYTES) / 1e9,
        f"{EVENT_BYTES} bytes per event, {ROW_BYTES} per change",
    )
    bill.add("ingestion", gb, "personalize_ingested_gb", how)
    how = f"{TRAININGS:.1f} trainings on {load.history_days} days of events"
    bill.add("training", load.interactions * TRAININGS, "personalize_trained", how)
    bill.add("requests", requests, "personalize_requests", "recommendations")
    return bill
