"""The responses of `observe`'s routes, as JSON Schema by name."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.contract.json_schemas import (
    COUNT,
    FLAG,
    INTEGER,
    NUMBER,
    NUMBER_OR_NULL,
    SHARE,
    SHARE_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME_MS,
    TIME_MS_OR_NULL,
    Schema,
    described,
    list_of,
    map_of,
    object_of,
    one_of,
    or_null,
)

TRAFFIC, ALARMS, RULES, COST = "Traffic", "Alarms", "RuleSets", "Cost"
ENGAGEMENT, DRIFT, QUARANTINE, EXPERIMENTS = "EngagementReport", "DriftReport", "QuarantineReport", "Experiments"

BY = ("all", "recommender", "model", "arm")
"""Dimensions of engagement rows."""

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
"""The series of traffic, with their descriptions."""


_POINTS = list_of(
    # Not by `prefixItems`: tools that know earlier drafts of JSON Schema take those for something else.
    {"type": "array", "items": NUMBER_OR_NULL, "minItems": 2, "maxItems": 2},
    "Each a time in milliseconds since 1970 and the value there; null where nothing was counted.",
)


def _series(about: str) -> Schema:
    return described(_POINTS, f"{about} {_POINTS['description']}".strip())


_ENGAGEMENT_ROWS = list_of(
    object_of(
        {
            "name": TEXT,
            **dict.fromkeys(("answers", "impressions", "clicks", "carts", "purchases"), COUNT),
            "revenue": NUMBER,
            "clickThrough": NUMBER_OR_NULL,
            "conversion": NUMBER_OR_NULL,
            "revenuePerThousand": NUMBER_OR_NULL,
            "coverage": NUMBER_OR_NULL,
            "novelty": described(NUMBER_OR_NULL, "Bits."),
            "newItemShare": NUMBER_OR_NULL,
            "degradedShare": NUMBER_OR_NULL,
        }
    )
)
_ISO_DATE: Schema = {"type": "string", "format": "date"}

ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        ENGAGEMENT: object_of(
            {
                "from": _ISO_DATE,
                "to": _ISO_DATE,
                "by": one_of(BY),
                "totals": _ENGAGEMENT_ROWS,
                "days": list_of(object_of({"date": _ISO_DATE, "rows": _ENGAGEMENT_ROWS})),
                "rejected": map_of(COUNT, "How many events that name answers did not count, by reason."),
            }
        ),
        DRIFT: object_of(
            {
                "looked": or_null(
                    object_of(
                        {
                            "lookedMs": TIME_MS,
                            "champion": TEXT_OR_NULL,
                            "championAgeHours": NUMBER_OR_NULL,
                            "lakeSilentHours": NUMBER_OR_NULL,
                            "interactions": COUNT,
                            "users": COUNT,
                            "unknownItemShare": SHARE_OR_NULL,
                            "unknownUserShare": SHARE_OR_NULL,
                            "threshold": described(NUMBER, "Above it a figure has drifted."),
                            "hours": described(INTEGER, "How long it has to be above."),
                            "figures": list_of(
                                object_of(
                                    {
                                        "name": TEXT,
                                        "value": described(NUMBER_OR_NULL, "The population stability index."),
                                        "byChance": NUMBER_OR_NULL,
                                        "reason": described(TEXT_OR_NULL, "Why there is none."),
                                        "aboveSinceMs": TIME_MS_OR_NULL,
                                        "history": described(_POINTS, "The index at the looks of the last days."),
                                    }
                                )
                            ),
                            "checks": list_of(
                                object_of(
                                    {
                                        "name": TEXT,
                                        "share": SHARE_OR_NULL,
                                        "bound": NUMBER,
                                        "rows": COUNT,
                                        "failed": FLAG,
                                    }
                                )
                            ),
                        }
                    )
                )
            }
        ),
        QUARANTINE: object_of(
            {
                "objects": described(COUNT, "How many were read."),
                "records": COUNT,
                "truncated": described(FLAG, "Whether there are more objects than were read."),
                "groups": list_of(
                    object_of(
                        {
                            "kind": TEXT,
                            "reason": described(TEXT, "Without values: those may be personal."),
                            "records": COUNT,
                            "oldestMs": TIME_MS,
                            "latestMs": TIME_MS,
                            "exampleId": described(TEXT, "For `alsolike quarantine show`."),
                        }
                    ),
                    "The most frequent first.",
                ),
            }
        ),
        EXPERIMENTS: object_of(
            {
                "experiments": list_of(
                    object_of(
                        {
                            "name": TEXT,
                            "layer": TEXT_OR_NULL,
                            "state": one_of(("planned", "running", "ended")),
                            "startMs": TIME_MS,
                            "endMs": TIME_MS_OR_NULL,
                            "metric": TEXT,
                            "verdict": TEXT_OR_NULL,
                            "winner": TEXT_OR_NULL,
                            "sampleRatioPValue": SHARE_OR_NULL,
                            "partial": described(FLAG, "Whether there was no time to read all its days."),
                            "arms": list_of(
                                object_of(
                                    {
                                        "name": TEXT,
                                        "share": SHARE,
                                        "control": FLAG,
                                        "users": COUNT,
                                        "answers": COUNT,
                                        "value": NUMBER_OR_NULL,
                                        "lift": NUMBER_OR_NULL,
                                        "liftLow": NUMBER_OR_NULL,
                                        "liftHigh": NUMBER_OR_NULL,
                                        "pValue": SHARE_OR_NULL,
                                    }
                                )
                            ),
                        }
                    )
                )
            }
        ),
        TRAFFIC: object_of(
            {
                "fromMs": TIME_MS,
                "untilMs": TIME_MS,
                "periodS": described(INTEGER, "Seconds between two points."),
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
        COST: object_of(
            {
                "currency": one_of(["USD"]),
                "pricesOf": described(TEXT, "The day of the price table."),
                "region": TEXT,
                "load": object_of(
                    {
                        **dict.fromkeys(("users", "eventsPerDay", "requestsPerDay", "items"), COUNT),
                        "measured": described(FLAG, "Whether it was counted, not stated."),
                    }
                ),
                "lines": list_of(
                    object_of(
                        {
                            "service": TEXT,
                            "what": TEXT,
                            "kind": one_of(("fixed", "usage")),
                            "quantity": NUMBER,
                            "unit": TEXT,
                            "unitPrice": NUMBER,
                            "dollars": NUMBER,
                        }
                    )
                ),
                "fixedDollars": NUMBER,
                "usageDollars": NUMBER,
                "dollars": NUMBER,
                "personalizeDollars": NUMBER_OR_NULL,
                "savings": list_of(object_of({"setting": TEXT, "what": TEXT, "dollars": NUMBER}), "The largest first."),
                "remarks": list_of(TEXT, "What is not counted, what was assumed, and prices that no page confirmed."),
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
"""The responses, by name."""
