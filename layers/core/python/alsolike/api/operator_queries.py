"""The operator's views through the API: the routes of `observe` and their queries."""

from __future__ import annotations

import dataclasses

from alsolike.api import operator_query_answers as answers
from alsolike.contract.fields import Choice, Fields, Integer

USUAL_MINUTES, MAX_MINUTES = 60, 15 * 24 * 60
"""Default and maximum minutes: CloudWatch keeps values by the minute for 15 days."""

TRAFFIC_QUERY = Fields(
    {
        "minutes": Integer(
            5, MAX_MINUTES, USUAL_MINUTES, about="How far back; past three hours points are further apart."
        )
    }
)

USUAL_DAYS, MAX_DAYS = 14, 90
ENGAGEMENT_QUERY = Fields(
    {
        "days": Integer(1, MAX_DAYS, USUAL_DAYS, about="How many days, today among them."),
        "by": Choice(answers.BY, answers.BY[0], about="What the rows are."),
    }
)


COST_QUERY = Fields(
    {
        "users": Integer(0, 10**10, about="With a live profile. What is not stated is counted: the last day's."),
        "eventsPerDay": Integer(0, 10**11),
        "requestsPerDay": Integer(0, 10**11),
        "items": Integer(0, 10**9),
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class OperatorQuery:
    """A route that shows something; see `alsolike.api.routes.Operation`."""

    key: str
    name: str
    summary: str
    answer: str
    query: Fields | None = None


ROUTES = (
    OperatorQuery(
        "GET /operator/traffic",
        "ShowTraffic",
        "Show what the API and the consumers did",
        answers.TRAFFIC,
        TRAFFIC_QUERY,
    ),
    OperatorQuery("GET /operator/alarms", "ListAlarms", "List the alarms, those that ring first", answers.ALARMS),
    OperatorQuery(
        "GET /operator/engagement",
        "ShowEngagement",
        "Show what answers led to, by day",
        answers.ENGAGEMENT,
        ENGAGEMENT_QUERY,
    ),
    OperatorQuery("GET /operator/drift", "ShowDrift", "Show what monitoring found when it last looked", answers.DRIFT),
    OperatorQuery(
        "GET /operator/quarantine", "ShowQuarantine", "Show what is held back, by reason", answers.QUARANTINE
    ),
    OperatorQuery(
        "GET /operator/experiments", "ListExperiments", "List the experiments with their reports", answers.EXPERIMENTS
    ),
    OperatorQuery("GET /operator/cost", "ShowCost", "Show what a month costs under a load", answers.COST, COST_QUERY),
    OperatorQuery(
        "GET /operator/rules", "ListRuleSets", "List the rule sets, and which recommenders they apply to", answers.RULES
    ),
)
