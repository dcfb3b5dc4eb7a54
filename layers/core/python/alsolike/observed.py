"""The operator's views through the API: the routes of `observe` and their queries."""

from __future__ import annotations

import dataclasses

from alsolike import observed_answers as answers
from alsolike.fields import Choice, Fields, Whole

USUAL_MINUTES, MAX_MINUTES = 60, 15 * 24 * 60
"""Default and maximum minutes: CloudWatch keeps values by the minute for 15 days."""

TRAFFIC_QUERY = Fields(
    {"minutes": Whole(5, MAX_MINUTES, USUAL_MINUTES, about="How far back; past three hours points are further apart.")}
)

USUAL_DAYS, MAX_DAYS = 14, 90
ENGAGEMENT_QUERY = Fields(
    {
        "days": Whole(1, MAX_DAYS, USUAL_DAYS, about="How many days, today among them."),
        "by": Choice(answers.BY, answers.BY[0], about="What the rows are."),
    }
)


COST_QUERY = Fields(
    {
        "users": Whole(0, 10**10, about="With a live profile. What is not stated is counted: the last day's."),
        "eventsPerDay": Whole(0, 10**11),
        "requestsPerDay": Whole(0, 10**11),
        "items": Whole(0, 10**9),
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Observed:
    """A route that shows something; see `alsolike.operations.Operation`."""

    key: str
    name: str
    summary: str
    answer: str
    query: Fields | None = None


ROUTES = (
    Observed(
        "GET /operator/traffic",
        "ShowTraffic",
        "Show what the API and the consumers did",
        answers.TRAFFIC,
        TRAFFIC_QUERY,
    ),
    Observed("GET /operator/alarms", "ListAlarms", "List the alarms, those that ring first", answers.ALARMS),
    Observed(
        "GET /operator/engagement",
        "ShowEngagement",
        "Show what answers led to, by day",
        answers.ENGAGEMENT,
        ENGAGEMENT_QUERY,
    ),
    Observed("GET /operator/drift", "ShowDrift", "Show what monitoring found when it last looked", answers.DRIFT),
    Observed("GET /operator/quarantine", "ShowQuarantine", "Show what is held back, by reason", answers.QUARANTINE),
    Observed(
        "GET /operator/experiments", "ListExperiments", "List the experiments with their reports", answers.EXPERIMENTS
    ),
    Observed("GET /operator/cost", "ShowCost", "Show what a month costs under a load", answers.COST, COST_QUERY),
    Observed(
        "GET /operator/rules", "ListRuleSets", "List the rule sets, and which recommenders they apply to", answers.RULES
    ),
)
