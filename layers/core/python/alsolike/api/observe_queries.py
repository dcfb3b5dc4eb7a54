"""Routes of the function `observe` for operators, with their query parameters."""

from __future__ import annotations

import dataclasses

from alsolike.api import observe_responses as response_schemas
from alsolike.declarations.limits import MAX_ENGAGEMENT_DAYS, MAX_TRAFFIC_MINUTES
from alsolike.declarations.shared_defaults import DEFAULT_ENGAGEMENT_DAYS, DEFAULT_TRAFFIC_MINUTES
from alsolike.schema.fields import Choice, Fields, Integer

TRAFFIC_QUERY = Fields(
    {
        "minutes": Integer(
            5,
            MAX_TRAFFIC_MINUTES,
            DEFAULT_TRAFFIC_MINUTES,
            about="Length of the period. Beyond three hours, points are further apart.",
        )
    }
)

ENGAGEMENT_QUERY = Fields(
    {
        "days": Integer(1, MAX_ENGAGEMENT_DAYS, DEFAULT_ENGAGEMENT_DAYS, about="Number of days, including today."),
        "by": Choice(response_schemas.BY, response_schemas.BY[0], about="Dimension of the rows."),
    }
)


COST_QUERY = Fields(
    {
        "users": Integer(0, 10**10, about="Users with a live profile. Default: those of the last day."),
        "eventsPerDay": Integer(0, 10**11),
        "requestsPerDay": Integer(0, 10**11),
        "items": Integer(0, 10**9),
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class OperatorQuery:
    key: str
    name: str
    summary: str
    answer: str
    query: Fields | None = None


ROUTES = (
    OperatorQuery(
        "GET /operator/traffic",
        "ShowTraffic",
        "Show requests and consumed events",
        response_schemas.TRAFFIC,
        TRAFFIC_QUERY,
    ),
    OperatorQuery("GET /operator/alarms", "ListAlarms", "List the alarms, active ones first", response_schemas.ALARMS),
    OperatorQuery(
        "GET /operator/engagement",
        "ShowEngagement",
        "Show clicks, carts and purchases after recommendations by day",
        response_schemas.ENGAGEMENT,
        ENGAGEMENT_QUERY,
    ),
    OperatorQuery(
        "GET /operator/increments",
        "ShowIncrements",
        "Show the additional orders and revenue due to recommendations",
        response_schemas.INCREMENTS,
    ),
    OperatorQuery("GET /operator/drift", "ShowDrift", "Show the latest drift check", response_schemas.DRIFT),
    OperatorQuery(
        "GET /operator/quarantine", "ShowQuarantine", "Show quarantined records by reason", response_schemas.QUARANTINE
    ),
    OperatorQuery(
        "GET /operator/experiments",
        "ListExperiments",
        "List the experiments with their reports",
        response_schemas.EXPERIMENTS,
    ),
    OperatorQuery(
        "GET /operator/cost", "ShowCost", "Show the monthly cost under a load", response_schemas.COST, COST_QUERY
    ),
)
