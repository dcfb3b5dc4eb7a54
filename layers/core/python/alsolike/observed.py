"""What an operator can look at through the API: the routes of `observe`, what they take, and what they answer."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

from alsolike.fields import Fields, Schema, Whole
from alsolike.schemas import (
    COUNT,
    FLAG,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME_MS,
    WHOLE,
    described,
    list_of,
    map_of,
    object_of,
    one_of,
)

TRAFFIC, ALARMS, RULES = "Traffic", "Alarms", "RuleSets"

USUAL_MINUTES, MAX_MINUTES = 60, 15 * 24 * 60
"""CloudWatch keeps what it has by the minute for 15 days."""

TRAFFIC_QUERY = Fields(
    {"minutes": Whole(5, MAX_MINUTES, USUAL_MINUTES, about="How far back; past three hours points are further apart.")}
)

SERIES = MappingProxyType(
    {
        "requests": "",
        "clientErrors": "Answered with 400 to 499.",
        "serverErrors": "Answered with 500 or more.",
        "latencyP50": "Milliseconds.",
        "latencyP95": "Milliseconds.",
        "latencyP99": "Milliseconds.",
        "answers": "Recommendations that were answered.",
        "degradedAnswers": "Those that were less than they should be.",
        "eventsAccepted": "",
        "requestsRejected": "What the functions behind the API refused.",
        "recordsQuarantined": "Records of the stream that could not be read.",
        "iteratorAge": "Milliseconds: how long the oldest event that a consumer has not read has waited.",
    }
)
"""The series of traffic, with what they say."""


@dataclasses.dataclass(frozen=True, slots=True)
class Observed:
    """A route that shows something; see `alsolike.operations.Operation`."""

    key: str
    name: str
    summary: str
    answer: str
    query: Fields | None = None


ROUTES = (
    Observed("GET /operator/traffic", "ShowTraffic", "Show what the API and the consumers did", TRAFFIC, TRAFFIC_QUERY),
    Observed("GET /operator/alarms", "ListAlarms", "List the alarms, those that ring first", ALARMS),
    Observed("GET /operator/rules", "ListRuleSets", "List the rule sets, and which recommenders they apply to", RULES),
)

_POINTS = list_of(
    {"type": "array", "prefixItems": [TIME_MS, NUMBER_OR_NULL], "minItems": 2, "maxItems": 2},
    "Each a time and the value there; null where nothing was counted.",
)


def _series(about: str) -> Schema:
    return described(_POINTS, f"{about} {_POINTS['description']}".strip())


ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        TRAFFIC: object_of(
            {
                "fromMs": TIME_MS,
                "untilMs": TIME_MS,
                "periodS": described(WHOLE, "Seconds between two points."),
                "series": object_of({name: _series(about) for name, about in SERIES.items()}),
            }
        ),
        ALARMS: object_of(
            {
                "alarms": list_of(
                    object_of(
                        {
                            "name": TEXT,
                            "state": one_of(("OK", "ALARM", "INSUFFICIENT_DATA")),
                            "composite": described(FLAG, "Whether it stands on top of other alarms."),
                            "reason": TEXT,
                            "changedMs": TIME_MS,
                            "description": described(TEXT, "What it means, and which page says what to do."),
                            "runbook": described(TEXT_OR_NULL, "The name of a page in docs/runbooks."),
                        }
                    )
                )
            }
        ),
        RULES: object_of(
            {
                "ruleSets": list_of(
                    object_of(
                        {
                            "name": TEXT,
                            "parts": map_of(COUNT, "How many rules of each kind there are."),
                            "recommenders": list_of(TEXT, "To which it applies."),
                        }
                    )
                )
            }
        ),
    }
)
"""What the routes answer, by name."""
