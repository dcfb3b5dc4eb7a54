"""Requests of operators' actions."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.api.operator_rules import DRAFT
from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.recommendations.requests import BOUGHT_TOGETHER, LISTING, OF_ITEMS, OF_USERS, WITH_CART, needs
from alsolike.recommendations.requests import PREVIEW as PREVIEW_OF_FUNCTION
from alsolike.registry.promotion import MAX_REASON
from alsolike.schema.fields import Fields, Flag, Integer, Text
from alsolike.schema.json_schemas import Schema

MAX_VERSIONS, DEFAULT_VERSIONS = 100, 50
MAX_RUNS, DEFAULT_RUNS = 50, 20
MAX_TOKEN = 64

_ETAG = Text(256, about="ETag of the champion pointer. If it has changed, the response is 409.")
_REASON = Text(MAX_REASON, about="Reason for the champion's history.")

MODELS_QUERY = Fields({"limit": Integer(1, MAX_VERSIONS, DEFAULT_VERSIONS, about="Maximum number of versions.")})
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

TRAININGS_QUERY = Fields({"limit": Integer(1, MAX_RUNS, DEFAULT_RUNS, about="Maximum number of runs.")})
START = Fields(
    {
        "reason": Text(MAX_REASON, about="Reason for the record of the run."),
        "clientToken": Text(MAX_TOKEN, about="Idempotency token: repeated calls with it start one run."),
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


def _one_of(recommenders: Sequence[str]) -> Schema:
    return {"required": ["recommender"], "properties": {"recommender": {"enum": list(recommenders)}}}


_OF_USER_OR_SESSION = [name for name in LISTING if name not in OF_USERS]

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
            {"anyOf": [_one_of(_OF_USER_OR_SESSION), needs("userId")]},
            {"anyOf": [{"not": _one_of(OF_ITEMS)}, needs("itemId"), WITH_CART]},
            {"anyOf": [{"properties": {"cart": {"maxItems": 0}}}, _one_of([BOUGHT_TOGETHER])]},
        ]
    },
)
