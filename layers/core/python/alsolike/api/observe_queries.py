from __future__ import annotations

from alsolike.declarations.limits import MAX_ENGAGEMENT_DAYS, MAX_TRAFFIC_MINUTES
from alsolike.declarations.shared_defaults import DEFAULT_ENGAGEMENT_DAYS, DEFAULT_TRAFFIC_MINUTES
from alsolike.schema.fields import Choice, Fields, Integer

BY = ("all", "recommender", "model", "arm")

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
        "by": Choice(BY, BY[0], about="Dimension of the rows."),
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
