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
from alsolike.events.correlation import HEADER, MAX_CHARACTERS

NOTHING, ERROR = "Nothing", "Error"
ITEM, ITEM_PAGE, USER, USER_PAGE = "Item", "ItemPage", "User", "UserPage"
ERASURE, USER_DATA, DESCRIPTION = "Erasure", "UserData", "Description"
RECOMMENDED, RANKED = "RecommendedItems", "RankedItems"


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
            "promotionName": {"type": "string", "description": "The promotion that the item is here for."},
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
                            "contribution": {"type": "number", "description": "What the score would lose without it."},
                        }
                    ),
                },
                "description": "The interactions that counted most for the item; only where `explain` asks for them.",
            },
        },
    )
    return object_of(
        {
            field: {"type": "array", "items": item, "description": "Best first."},
            "recommendationId": {"type": "string", "description": "For the `recommendationId` of events."},
        }
    )


ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        NOTHING: {"type": "object", "maxProperties": 0},
        ERROR: {
            "type": "object",
            "properties": {
                "message": {"type": "string", "description": "Names the field, its value and what was expected."}
            },
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
                "recommendations": {"type": "array", "items": {"type": "object"}},
            },
            {
                "user": {
                    "type": ["object", "null"],
                    "description": "What the shop said; like all other data, on the first page.",
                },
                "profile": {"type": ["object", "null"], "description": "The recent interactions."},
                "sessions": {"type": "array", "items": {"type": "object"}, "description": "That joined the profile."},
                "interactions": {"type": "array", "items": {"type": "object"}},
                "quarantine": {"type": "array", "items": {"type": "object"}},
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
        **operator_query_answers.ANSWERS,
        **OPERATE_ANSWERS,
    }
)

_SOURCES = ["model", "similar", "popular", "trending", "recent", "none"]

HEADERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        "x-amzn-errortype": {
            "schema": {"enum": list(ERROR_TYPES)},
            "description": "The kind of error. Answers of API Gateway itself have none.",
        },
        "www-authenticate": {
            "schema": {"type": "string"},
            "description": "What is wrong with the token. Tokens of sessions get none.",
        },
        HEADER: {
            "schema": {"type": "string", "maxLength": MAX_CHARACTERS},
            "description": "What the request is found by in logs and in the lake: its own header of this name, where "
            "that is well-formed. Answers of API Gateway itself have none, nor do errors of what operators ask.",
        },
        "etag": {
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'},
            "description": "The same as long as what is shown is the same; `If-None-Match` with it is answered 304.",
        },
        "cache-control": {"required": True, "schema": {"type": "string"}, "description": "Who may keep it, how long."},
        "x-alsolike-source": {
            "required": True,
            "schema": {"enum": _SOURCES},
            "description": "What ranked the items; `none` where nothing did.",
        },
        "x-alsolike-model-version": {
            "required": True,
            "schema": {"type": "string"},
            "description": "The version of the model that serves; `none` before the first.",
        },
        "x-alsolike-filled": {
            "schema": {"type": "integer", "minimum": 1},
            "description": "How many items fill the list up, at its end where no rules made it.",
        },
        "x-alsolike-cold-items": {
            "schema": {"type": "integer", "minimum": 1},
            "description": "How many ranked items the model does not know, without those that fill the list up or that "
            "only rules bring.",
        },
        "x-alsolike-popular-within": {
            "schema": {"type": "string"},
            "description": "The user column by which items are popular among the user's like, percent-encoded.",
        },
        "x-alsolike-arms": {
            "schema": {"type": "string"},
            "description": "The arm in each experiment that the answer is part of, `experiment/arm`, commas between.",
        },
        "x-alsolike-degraded": {
            "schema": {"type": "string"},
            "description": "Why the answer is less than it should be, with commas between the reasons.",
        },
        "x-alsolike-unknown-columns": {
            "schema": {"type": "string"},
            "description": "Requested metadata columns that are not declared and that no item of the answer has, "
            "percent-encoded, with commas between.",
        },
        "x-alsolike-rules": {
            "schema": {"type": "string"},
            "description": "The rule set that made the list.",
        },
        "x-alsolike-rules-gave": {
            "schema": {"type": "string"},
            "description": "The rules that could not be kept, each with why, with commas between; percent-encoded.",
        },
    }
)
OF_RECOMMENDATIONS = tuple(name for name in HEADERS if name.startswith("x-alsolike-"))
OF_CACHED = ("etag", "cache-control")
