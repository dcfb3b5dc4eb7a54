"""The requests of the operator's actions."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.contract.fields import Fields, Flag, Integer, Text
from alsolike.contract.json_schemas import Schema
from alsolike.recommendations.requests import LISTING, OF_ITEMS, OF_USERS, needs
from alsolike.recommendations.requests import PREVIEW as PREVIEW_OF_FUNCTION
from alsolike.registry.promotion import MAX_REASON

MOST_VERSIONS, USUAL_VERSIONS = 100, 50
MOST_RUNS, USUAL_RUNS = 50, 20
MAX_TOKEN = 64

_ETAG = Text(256, about="Of the champion pointer as it was seen; where it is another one by now the answer is 409.")
_REASON = Text(MAX_REASON, about="Why; kept in the champion's history.")

MODELS_QUERY = Fields({"limit": Integer(1, MOST_VERSIONS, USUAL_VERSIONS, about="How many of the latest versions.")})
PROMOTE = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Let the workflow try it beside the champion first."),
        "force": Flag(about="Also where the gate rejected it; the reason is kept with the version."),
        "etag": _ETAG,
    },
    required=("reason",),
)
ROLL_BACK = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Take back the version on trial; the champion stays."),
        "champion": Flag(about="Take back the champion also where a version is on trial; that ends too."),
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
"""Body of the end of a hold, and of pins."""

TRAININGS_QUERY = Fields({"limit": Integer(1, MOST_RUNS, USUAL_RUNS, about="How many of the latest runs.")})
START = Fields(
    {
        "reason": Text(MAX_REASON, about="Why; kept with the run."),
        "clientToken": Text(MAX_TOKEN, about="Calls with the same one start one run."),
    }
)


def _one_of(recommenders: Sequence[str]) -> Schema:
    return {"required": ["recommender"], "properties": {"recommender": {"enum": list(recommenders)}}}


_OF_USER_OR_SESSION = [name for name in LISTING if name not in OF_USERS]

PREVIEW = Fields(
    {
        name: PREVIEW_OF_FUNCTION.fields[name]
        for name in ("userId", "itemId", "recommender", "rules", "numResults", "metadata")
    },
    rules={
        "allOf": [
            {"anyOf": [_one_of(_OF_USER_OR_SESSION), needs("userId")]},
            {"anyOf": [{"not": _one_of(OF_ITEMS)}, needs("itemId")]},
        ]
    },
)
