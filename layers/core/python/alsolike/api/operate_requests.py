"""Queries and bodies of requests to `operate`.

A draft of the rule editor consists of the parts `filters`, `recommenders` and `rules` of the configuration document.
The schemas accept any content of these parts, so that an error can name all invalid fields at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.declarations.limits import (
    MAX_CLIENT_TOKEN_CHARACTERS,
    MAX_ID_CHARACTERS,
    MAX_LISTED_MODELS,
    MAX_LISTED_RULE_CHANGES,
    MAX_LISTED_TRAININGS,
    MAX_REASON_CHARACTERS,
)
from alsolike.declarations.shared_defaults import (
    DEFAULT_LISTED_MODELS,
    DEFAULT_LISTED_RULE_CHANGES,
    DEFAULT_LISTED_TRAININGS,
)
from alsolike.recommendations.request_fields import BOUGHT_TOGETHER, LISTING, OF_ITEMS, OF_USERS, WITH_CART, needs
from alsolike.recommendations.request_fields import PREVIEW as PREVIEW_OF_FUNCTION
from alsolike.schema.fields import AnyObject, Choice, Fields, Flag, Integer, Text
from alsolike.schema.json_schemas import Schema

_ETAG = Text(256, about="ETag of the champion pointer. If it has changed, the response is 409.")
_REASON = Text(MAX_REASON_CHARACTERS, about="Reason for the champion's history.")

MODELS_QUERY = Fields(
    {"limit": Integer(1, MAX_LISTED_MODELS, DEFAULT_LISTED_MODELS, about="Maximum number of versions.")}
)
PROMOTE = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Start a canary before the promotion."),
        "force": Flag(about="Promote a version that the gate rejected. The version keeps the reason."),
        "etag": _ETAG,
    },
    required=("reason",),
)
ROLL_BACK = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Stop the canary and keep the champion."),
        "champion": Flag(about="Roll back the champion and stop a running canary."),
        "etag": _ETAG,
    },
    required=("reason",),
    rules={
        "not": {
            "required": ["canary", "champion"],
            "properties": {"canary": {"const": True}, "champion": {"const": True}},
        }
    },
)
CHANGE = Fields({"etag": _ETAG})
"""Body of requests that resume automatic promotions, and that pin or unpin a version."""

TRAININGS_QUERY = Fields(
    {"limit": Integer(1, MAX_LISTED_TRAININGS, DEFAULT_LISTED_TRAININGS, about="Maximum number of runs.")}
)
START = Fields(
    {
        "reason": Text(MAX_REASON_CHARACTERS, about="Reason for the record of the run."),
        "clientToken": Text(
            MAX_CLIENT_TOKEN_CHARACTERS, about="Idempotency token: repeated calls with it start one run."
        ),
    }
)

SESSION_TOKEN = Fields(
    {
        "sessionId": Text(MAX_ID_CHARACTERS, about="Session of the operator's page."),
        "userId": Text(MAX_ID_CHARACTERS, about="ID of the user; absent for an anonymous visitor."),
    },
    required=("sessionId",),
)

REFRESH = Fields({})
"""Body of requests that run a scheduled function immediately."""


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
RULE_HISTORY_QUERY = Fields(
    {
        "limit": Integer(
            1,
            MAX_LISTED_RULE_CHANGES,
            DEFAULT_LISTED_RULE_CHANGES,
            about="Number of versions of the configuration to compare.",
        )
    }
)
CHECK_RULES = Fields({"version": _BASE, "draft": DRAFT}, required=("version", "draft"))
PUBLISH_RULES = Fields(
    {"version": _BASE, "draft": DRAFT, "reason": Text(MAX_REASON_CHARACTERS, about="Reason for the history.")},
    required=("version", "draft", "reason"),
)
FORECAST_RULES = Fields(
    {
        "recommender": Choice(LISTING, about="Recommender whose logged responses are used."),
        "draft": DRAFT,
    },
    required=("recommender", "draft"),
)


def _one_of(recommenders: Sequence[str]) -> Schema:
    return {"required": ["recommender"], "properties": {"recommender": {"enum": list(recommenders)}}}


_WITHOUT_USER = [name for name in LISTING if name not in OF_USERS]

PREVIEW = Fields(
    {
        **{
            name: PREVIEW_OF_FUNCTION.fields[name]
            for name in ("userId", "itemId", "cart", "recommender", "rules", "numResults", "metadata")
        },
        "draft": DRAFT,
    },
    rules={
        "allOf": [
            {"anyOf": [_one_of(_WITHOUT_USER), needs("userId")]},
            {"anyOf": [{"not": _one_of(OF_ITEMS)}, needs("itemId"), WITH_CART]},
            {"anyOf": [{"properties": {"cart": {"maxItems": 0}}}, _one_of([BOUGHT_TOGETHER])]},
        ]
    },
)
