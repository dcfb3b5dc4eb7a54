"""Requests and responses of the operators' rule editor.

A draft consists of the parts `filters`, `recommenders` and `rules` of the configuration document. The schemas of
requests accept any content of these parts, so that an error can name all invalid fields at once.
"""

from __future__ import annotations

from types import MappingProxyType

from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.limits import MAX_LISTED_RULE_CHANGES, MAX_REASON_CHARACTERS
from alsolike.declarations.shared_defaults import DEFAULT_LISTED_RULE_CHANGES
from alsolike.experiments.forecasts import STATES
from alsolike.recommendations.request_fields import LISTING
from alsolike.schema.fields import AnyObject, Choice, Fields, Integer, Text
from alsolike.schema.json_schemas import (
    FLAG,
    INTEGER,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME_MS,
    Schema,
    described,
    list_of,
    map_of,
    object_of,
    one_of,
    or_null,
)

RULES, RULE_CHECK, RULE_HISTORY, PUBLISHED_RULES = "Rules", "RuleCheck", "RuleHistory", "PublishedRules"
STARTED_FORECAST, FORECAST_RECORD = "StartedForecast", "ForecastRecord"

_MAX_VERSION = 2**31

DRAFT = Fields(
    {part: AnyObject(about=f"`{part}` of the document.") for part in ("filters", "recommenders", "rules")},
    required=("filters", "recommenders", "rules"),
    about="The complete rules, in the form of the configuration document.",
)
_BASE = Integer(0, _MAX_VERSION, about="Version of the configuration that the draft was made from.")

RULES_QUERY = Fields(
    {"version": Integer(0, _MAX_VERSION, about="Version of the configuration. Default: the live version.")}
)
HISTORY_QUERY = Fields(
    {
        "limit": Integer(
            1,
            MAX_LISTED_RULE_CHANGES,
            DEFAULT_LISTED_RULE_CHANGES,
            about="Number of versions of the configuration to compare.",
        )
    }
)
CHECK = Fields({"version": _BASE, "draft": DRAFT}, required=("version", "draft"))
PUBLISH = Fields(
    {"version": _BASE, "draft": DRAFT, "reason": Text(MAX_REASON_CHARACTERS, about="Reason for the history.")},
    required=("version", "draft", "reason"),
)
FORECAST = Fields(
    {
        "recommender": Choice(LISTING, about="Recommender whose logged responses are used."),
        "draft": DRAFT,
    },
    required=("recommender", "draft"),
)

_PERIOD: dict[str, Schema] = {
    "from": described(TEXT, "Start, a day or a time with its zone."),
    "until": described(TEXT, "End, a day (inclusive) or a time with its zone."),
}
_FACTORS = list_of(object_of({"filter": TEXT, "factor": NUMBER_OR_NULL}, _PERIOD))
_RULE_SET = object_of(
    {},
    {
        "promotions": list_of(object_of({"filter": TEXT, "share": NUMBER_OR_NULL}, {"name": TEXT, **_PERIOD})),
        "boosts": _FACTORS,
        "demotions": _FACTORS,
        "pins": list_of(object_of({"item": TEXT, "position": NUMBER_OR_NULL}, _PERIOD)),
        "slate": list_of(object_of({"column": TEXT}, {"at_most": NUMBER_OR_NULL, "spread": NUMBER_OR_NULL, **_PERIOD})),
        "diversity": or_null(object_of({"dial": NUMBER_OR_NULL, "columns": list_of(TEXT)})),
        "exploration": or_null(object_of({"share": NUMBER_OR_NULL, "new_for_days": NUMBER_OR_NULL})),
    },
)
_DRAFT = object_of(
    {
        "filters": map_of(TEXT, "Expressions by name."),
        "recommenders": map_of(object_of({}, {"filter": TEXT_OR_NULL, "rules": TEXT_OR_NULL, "swaps": NUMBER})),
        "rules": map_of(_RULE_SET, "Rule sets by name."),
    }
)
_FAULTS = list_of(object_of({"path": described(TEXT, "Such as `rules.spring.pins[0].item`."), "message": TEXT}))
_CHANGES = list_of(object_of({"path": TEXT, "removed": list_of(TEXT), "added": list_of(TEXT)}))

_ESTIMATE = or_null(object_of({"value": NUMBER, "low": NUMBER, "high": NUMBER}))
_FORECAST = object_of(
    {
        "recommender": TEXT,
        "days": described(INTEGER, "Number of days of the recommendation log."),
        "skipped": map_of(INTEGER, "Number of logged requests that cannot be answered again, by reason."),
        "responses": described(INTEGER, "Number of logged responses."),
        "users": INTEGER,
        "changed": described(NUMBER, "Share of the lists that the draft changes."),
        "support": described(NUMBER, "Share of the expected attention to the draft's lists with logged outcomes."),
        "pairs": described(INTEGER, "Number of pairs in random order with a click."),
        "outcomes": list_of(
            object_of(
                {
                    "name": described(TEXT, "`clicks`, `purchases`, `revenue` or `margin`."),
                    "present": described(_ESTIMATE, "By the live configuration, per response, with 95% interval."),
                    "draft": described(_ESTIMATE, "By the draft."),
                    "difference": described(_ESTIMATE, "Doubly robust estimate of the draft minus the present."),
                    "self_normalised": described(_ESTIMATE, "Difference by self-normalised inverse propensities."),
                    "effective": described(NUMBER, "Effective number of outcomes."),
                    "missing": described(TEXT_OR_NULL, "Missing evidence. The estimates are then null."),
                }
            )
        ),
    }
)

ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        RULES: object_of(
            {
                "version": INTEGER,
                "draft": _DRAFT,
                "recommenders": list_of(TEXT, "All recommenders that can have a rule set."),
                "columns": map_of(one_of([kind.value for kind in ColumnType]), "Types of the items' columns."),
                "arms": map_of(list_of(TEXT), "Arms of experiments by rule set, without ended experiments."),
                "readOnly": described(FLAG, "True if the operator may not publish."),
            }
        ),
        RULE_CHECK: object_of(
            {
                "version": described(INTEGER, "The live version."),
                "errors": described(_FAULTS, "Errors, with which the draft cannot be published."),
                "warnings": _FAULTS,
                "changes": described(_CHANGES, "Differences between the live rules and the draft."),
                "meanwhile": described(_CHANGES, "Changes of the live rules since the version of the draft."),
            }
        ),
        RULE_HISTORY: object_of(
            {
                "versions": list_of(
                    object_of(
                        {
                            "version": INTEGER,
                            "previous": described(INTEGER, "Version before the changes."),
                            "appliedMs": TIME_MS,
                            "by": TEXT,
                            "reason": TEXT,
                            "changes": _CHANGES,
                        }
                    ),
                    "Versions that changed the rules, the latest first.",
                )
            }
        ),
        PUBLISHED_RULES: object_of({"version": INTEGER}),
        STARTED_FORECAST: object_of({"forecastId": TEXT}),
        FORECAST_RECORD: object_of(
            {
                "state": one_of(STATES),
                "startedMs": TIME_MS,
                "step": described(TEXT_OR_NULL, "Current or last step."),
                "share": described(NUMBER_OR_NULL, "Completed share of the step."),
                "reason": described(TEXT_OR_NULL, "Reason of a failure."),
                "forecast": or_null(_FORECAST),
            }
        ),
    }
)
