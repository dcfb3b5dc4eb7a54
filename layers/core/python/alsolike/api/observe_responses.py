"""JSON Schemas of the responses of `observe`, by name."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.schema.json_schemas import (
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

TRAFFIC, ALARMS, COST = "Traffic", "Alarms", "Cost"
ENGAGEMENT, DRIFT, QUARANTINE, EXPERIMENTS = "EngagementReport", "DriftReport", "QuarantineReport", "Experiments"
INCREMENTS = "Increments"

BY = ("all", "recommender", "model", "arm")

SERIES = MappingProxyType(
    {
        "requests": "",
        "clientErrors": "Responses with status 400 to 499.",
        "serverErrors": "Responses with status 500 or higher.",
        "latencyP50": "Milliseconds.",
        "latencyP95": "Milliseconds.",
        "latencyP99": "Milliseconds.",
        "answers": "Responses with recommendations.",
        "degradedAnswers": "Degraded responses.",
        "eventsAccepted": "",
        "eventsRejected": "Events that the API refused. A call that is refused as a whole counts as one.",
        "recordsQuarantined": "Unreadable stream records.",
        "iteratorAge": "Age of the oldest unread event in milliseconds.",
    }
)


_POINTS = list_of(
    # This schema does not use `prefixItems`, which tools for earlier drafts of JSON Schema misinterpret.
    {"type": "array", "items": NUMBER_OR_NULL, "minItems": 2, "maxItems": 2},
    "Pairs of a time in milliseconds since 1970 and a value, or null without data.",
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
_DAYS_OR_NULL = described(NUMBER_OR_NULL, "Days after the start, estimated.")
_INCREMENT_REPORT = or_null(
    object_of(
        {
            "computedMs": TIME_MS,
            "days": NUMBER,
            "users": COUNT,
            "heldOutUsers": COUNT,
            "attributedRevenue": described(NUMBER, "Attributed revenue of users with recommendations."),
            "increments": list_of(
                object_of(
                    {
                        "metric": one_of(("orders", "revenue")),
                        "withRecommendations": described(NUMBER, "Mean per user."),
                        "heldOut": described(NUMBER, "Mean per user."),
                        "perUser": described(NUMBER_OR_NULL, "Difference. Null with too little data."),
                        "low": described(NUMBER_OR_NULL, "Lower limit of the always-valid 95% interval."),
                        "high": NUMBER_OR_NULL,
                        "total": described(NUMBER_OR_NULL, "Difference times the users with recommendations."),
                        "totalLow": NUMBER_OR_NULL,
                        "totalHigh": NUMBER_OR_NULL,
                        "daysUntilInterval": _DAYS_OR_NULL,
                        "waits": list_of(
                            object_of(
                                {
                                    "precision": described(
                                        SHARE, "Half the width of the interval, divided by the mean of held-out users."
                                    ),
                                    "days": _DAYS_OR_NULL,
                                }
                            )
                        ),
                    }
                )
            ),
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
                "rejected": map_of(COUNT, "Number of events with a recommendation ID that did not count, by reason."),
            }
        ),
        INCREMENTS: object_of(
            {
                "holdout": described(
                    or_null(
                        object_of(
                            {
                                "name": TEXT,
                                "startMs": TIME_MS,
                                "endMs": TIME_MS_OR_NULL,
                                "report": described(_INCREMENT_REPORT, "Null until the first daily report."),
                            }
                        )
                    ),
                    "Null without a started experiment in the layer `holdout`.",
                )
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
                            "hours": described(INTEGER, "Required duration above the threshold."),
                            "figures": list_of(
                                object_of(
                                    {
                                        "name": TEXT,
                                        "value": described(NUMBER_OR_NULL, "The population stability index."),
                                        "byChance": NUMBER_OR_NULL,
                                        "threshold": described(
                                            NUMBER_OR_NULL, "Value above which the index counts as drift."
                                        ),
                                        "reason": described(TEXT_OR_NULL, "Reason why the index is missing."),
                                        "aboveSinceMs": TIME_MS_OR_NULL,
                                        "history": described(_POINTS, "Index at the checks of the last days."),
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
                "objects": described(COUNT, "Number of read objects."),
                "records": COUNT,
                "truncated": described(FLAG, "Whether more objects exist than were read."),
                "groups": list_of(
                    object_of(
                        {
                            "kind": TEXT,
                            "reason": described(TEXT, "Reason without values, which may be personal."),
                            "records": COUNT,
                            "oldestMs": TIME_MS,
                            "latestMs": TIME_MS,
                            "exampleId": described(TEXT, "ID for `alsolike quarantine show`."),
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
                            "partial": described(FLAG, "Whether the time was too short to read all days."),
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
                "periodS": described(INTEGER, "Seconds between points."),
                "series": object_of({name: _series(about) for name, about in SERIES.items()}),
                "incomplete": list_of(
                    object_of(
                        {
                            "recommender": TEXT,
                            "filter": described(TEXT, "Name of the filter, or `none`."),
                            "empty": described(COUNT, "Responses without items."),
                            "short": described(COUNT, "Responses with fewer items than requested."),
                        }
                    ),
                    "Recommenders and filters with empty or short responses in the period, most empty ones first.",
                ),
            }
        ),
        ALARMS: object_of(
            {
                "alarms": list_of(
                    object_of(
                        {
                            "id": described(TEXT, "Name in the runbooks."),
                            "name": described(TEXT, "Name in CloudWatch."),
                            "state": one_of(("OK", "ALARM", "INSUFFICIENT_DATA")),
                            "severity": described(
                                one_of(("critical", "warning")), "Critical: shoppers see the errors."
                            ),
                            "condition": described(
                                or_null(
                                    object_of(
                                        {
                                            "metric": TEXT,
                                            "threshold": described(NUMBER, "The alarm starts above this value."),
                                            "breaching": described(COUNT, "Number of periods above the threshold."),
                                            "periods": described(COUNT, "Number of evaluated periods."),
                                            "periodS": described(COUNT, "Seconds."),
                                        }
                                    )
                                ),
                                "Null for an alarm that combines others.",
                            ),
                            "combines": list_of(TEXT, "IDs of the alarms that it combines."),
                            "reason": TEXT,
                            "changedMs": TIME_MS,
                            "description": described(TEXT, "Meaning, and page with the instructions."),
                            "runbook": described(TEXT_OR_NULL, "Page in docs/runbooks."),
                        }
                    )
                )
            }
        ),
        COST: object_of(
            {
                "currency": one_of(["USD"]),
                "pricesOf": described(TEXT, "Date of the price table."),
                "region": TEXT,
                "load": object_of(
                    {
                        **dict.fromkeys(("users", "eventsPerDay", "requestsPerDay", "items"), COUNT),
                        "measured": described(FLAG, "Whether the load was measured instead of passed."),
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
                "remarks": list_of(TEXT, "Omissions, assumptions and unconfirmed prices."),
            }
        ),
    }
)
