"""Cost of the same load on Amazon Personalize."""

from __future__ import annotations

from operations import prices
from operations.cost.bill import DAYS, MONTH_S, NO_LOAD, Bill, Load, Meter
from operations.cost.charges import ROW_BYTES

EVENT_BYTES = 200
"""Size of an event in PutEvents, in bytes, with its IDs, type, time and session."""

TRAININGS = DAYS / 7
"""Number of trainings per month. Automatic training runs every seven days by default."""

MIN_REQUESTS = 1 * MONTH_S
"""Minimum number of billed requests per month. `minProvisionedTPS` of a campaign is at least 1."""


def estimate_personalize(load: Load, *, free_tier: bool = False) -> Bill:
    """Return the cost of the load on one campaign of a custom solution with `aws-user-personalization-v2`.

    https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html describes the minimum charge.
    """
    meter, idle = (_metered(each, free_tier=free_tier) for each in (load, NO_LOAD))
    minimum = sum(line.dollars for line in meter.lines if line.fixed)
    older = prices.dollars("personalize_legacy_requests", MIN_REQUESTS, free_tier=free_tier)
    meter.remarks += [
        "one custom solution of User-Personalization-v2 with one campaign: ingested GB, interactions of each training, "
        "requests; other uses, such as similar items, need additional campaigns",
        f"a campaign is charged one request a second at least, ${minimum:,.2f} of this sum, says its documentation. "
        f"That the price of v2 holds for it was not confirmed; of older recipes it is ${older:,.2f}",
        "not counted: the first import of the history, and the function that calls the API from the shop's pages",
    ]
    return meter.bill("Amazon Personalize", load, idle_dollars=idle.dollars)


def _metered(load: Load, *, free_tier: bool) -> Meter:
    meter = Meter(free_tier=free_tier)
    gb = (load.events * EVENT_BYTES + load.changes * ROW_BYTES) / 1e9
    how = f"{EVENT_BYTES} bytes per event, {ROW_BYTES} per change of an item or user"
    meter.add("ingestion", gb, "personalize_ingested_gb", how)
    how = f"{TRAININGS:.1f} trainings on {load.history_days} days of events"
    meter.add("training", load.interactions * TRAININGS, "personalize_trained", how)
    requests = load.requests + load.static_requests
    meter.add("requests", requests, "personalize_requests", "recommendations")
    how = "one request per second, used or not"
    meter.add("up to the minimum", max(0.0, MIN_REQUESTS - requests), "personalize_requests", how, fixed=True)
    return meter
