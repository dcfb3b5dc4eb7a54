"""The API's responses, as JSON Schema by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from alsolike.api import operator_query_answers
from alsolike.api.operator_action_answers import ANSWERS as OPERATE_ANSWERS
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind
from alsolike.catalogue.users import USERS
from alsolike.contract.http import ERROR_TYPES
from alsolike.contract.json_schemas import Schema, object_of
from alsolike.runtime.observability import CORRELATION_HEADER, MAX_CORRELATION_CHARACTERS

NOTHING, ERROR = "Nothing", "Error"
ITEM, ITEM_PAGE, USER, USER_PAGE = "Item", "ItemPage", "User", "UserPage"
ERASURE, USER_DATA, DESCRIPTION = "Erasure", "UserData", "Description"
RECOMMENDED, RANKED, ACTION_LIST = "RecommendedItems", "RankedItems", "RecommendedActions"


_NEXT_TOKEN: Schema = {
    "nextToken": {"type": "string", "description": "Token of the next page; absent on the last one."}
}


def _named(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _row(kind: RowKind[Any]) -> Schema:
    return object_of(
        {
            kind.id_field: {"type": "string"},
            "properties": {"type": "object", "description": "The metadata columns."},
            "updatedAt": {"type": "number", "description": "Seconds since 1970."},
        }
    )


def _page(kind: RowKind[Any], row: str) -> Schema:
    return object_of(
        {kind.list_field: {"type": "array", "items": _named(row)}},
        _NEXT_TOKEN,
    )


def _list(field: str) -> Schema:
    item = object_of(
        {"itemId": {"type": "string"}, "score": {"type": "number"}},
        {
            "promotionName": {"type": "string", "description": "Promotion that added the item."},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "reason": {
                "type": "array",
                "items": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": object_of(
                        {
                            "itemId": {"type": "string"},
                            "eventType": {"type": "string"},
                            "timestamp": {"type": "number", "description": "Seconds since 1970."},
                            "contribution": {
                                "type": "number",
                                "description": "Share of the score that is lost without it.",
                            },
                        }
                    ),
                },
                "description": "Interactions with the largest weight for the item, if `explain` is true.",
            },
        },
    )
    return object_of(
        {
            field: {"type": "array", "items": item, "description": "Best first."},
            "recommendationId": {"type": "string", "description": "ID for the `recommendationId` of events."},
        }
    )


ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        NOTHING: {"type": "object", "maxProperties": 0},
        ERROR: {
            "type": "object",
            "properties": {"message": {"type": "string", "description": "Field, value and expectation."}},
            "required": ["message"],
        },
        ITEM: _row(ITEMS),
        ITEM_PAGE: _page(ITEMS, ITEM),
        USER: _row(USERS),
        USER_PAGE: _page(USERS, USER),
        ERASURE: object_of({"erasureId": {"type": "string"}, "status": {"enum": ["running", "complete"]}}),
        USER_DATA: object_of(
            {
                "userId": {"type": "string"},
                "interactions": {"type": "array", "items": {"type": "object"}},
                "quarantine": {"type": "array", "items": {"type": "object"}},
                "recommendations": {"type": "array", "items": {"type": "object"}},
            },
            {
                "user": {
                    "type": ["object", "null"],
                    "description": "Properties from the shop; on the first page, like profile, sessions and erasure.",
                },
                "profile": {"type": ["object", "null"], "description": "The stored interactions."},
                "sessions": {
                    "type": "array",
                    "items": {"type": "object"},
                    "description": "Sessions that joined the profile.",
                },
                "erasure": {"type": ["object", "null"], "description": "The receipt."},
                **_NEXT_TOKEN,
            },
        ),
        DESCRIPTION: object_of(
            {
                "openapi": {"type": "string"},
                "info": {"type": "object"},
                "servers": {"type": "array"},
                "paths": {"type": "object"},
                "components": {"type": "object"},
            }
        ),
        RECOMMENDED: _list("itemList"),
        RANKED: _list("personalizedRanking"),
        ACTION_LIST: object_of(
            {
                "actionList": {
                    "type": "array",
                    "items": object_of({"actionId": {"type": "string"}, "score": {"type": "number"}}),
                },
                "recommendationId": {"type": "string"},
            }
        ),
        **operator_query_answers.ANSWERS,
        **OPERATE_ANSWERS,
    }
)

_SOURCES = ["model", "similar", "popular", "trending", "recent", "none"]

HEADERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        "x-amzn-errortype": {
            "schema": {"enum": list(ERROR_TYPES)},
            "description": "Error type. Responses of API Gateway itself lack it.",
        },
        "www-authenticate": {
            "schema": {"type": "string"},
            "description": "Fault of the token. Session tokens get none.",
        },
        CORRELATION_HEADER: {
            "schema": {"type": "string", "maxLength": MAX_CORRELATION_CHARACTERS},
            "description": "Correlation ID in logs and lake: the request's header of this name if it is well-formed. "
            "Responses of API Gateway itself and errors of operator requests lack it.",
        },
        "etag": {
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'},
            "description": "ETag of the content; `If-None-Match` with it returns 304.",
        },
        "cache-control": {"required": True, "schema": {"type": "string"}, "description": "Caching rules."},
        "x-alsolike-source": {
            "required": True,
            "schema": {"enum": _SOURCES},
            "description": "Algorithm that ranked the items, or `none`.",
        },
        "x-alsolike-model-version": {
            "required": True,
            "schema": {"type": "string"},
            "description": "Version of the serving model; `none` before the first.",
        },
        "x-alsolike-filled": {
            "schema": {"type": "integer", "minimum": 1},
            "description": "Number of items that fill up the list, at its end unless rules apply.",
        },
        "x-alsolike-cold-items": {
            "schema": {"type": "integer", "minimum": 1},
            "description": "Number of ranked items unknown to the model, without filled-up and promoted items.",
        },
        "x-alsolike-popular-within": {
            "schema": {"type": "string"},
            "description": "User column of the segment whose popular items were used, percent-encoded.",
        },
        "x-alsolike-arms": {
            "schema": {"type": "string"},
            "description": "Arm of each experiment as `experiment/arm`, separated by commas.",
        },
        "x-alsolike-degraded": {
            "schema": {"type": "string"},
            "description": "Reasons of degradation, separated by commas.",
        },
        "x-alsolike-unknown-columns": {
            "schema": {"type": "string"},
            "description": "Requested metadata columns that are not declared and missing from all items, "
            "percent-encoded, separated by commas.",
        },
        "x-alsolike-rules": {
            "schema": {"type": "string"},
            "description": "Rule set of the list.",
        },
        "x-alsolike-rules-unmet": {
            "schema": {"type": "string"},
            "description": "Unmet rules with reasons, separated by commas, percent-encoded.",
        },
    }
)
OF_RECOMMENDATIONS = tuple(name for name in HEADERS if name.startswith("x-alsolike-"))
OF_CACHED = ("etag", "cache-control")
