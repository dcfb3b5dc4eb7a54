"""JSON Schemas of the API's responses, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from alsolike.api import observe_responses
from alsolike.api.operate_responses import ANSWERS as OPERATE_ANSWERS
from alsolike.api.operator_rules import ANSWERS as RULES_ANSWERS
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind
from alsolike.catalogue.users import USERS
from alsolike.runtime.http import ERROR_TYPES
from alsolike.runtime.observability import CORRELATION_HEADER, MAX_CORRELATION_CHARACTERS
from alsolike.schema.json_schemas import NUMBER, TEXT, Schema, described, list_of, map_of, object_of

NOTHING, ERROR = "Nothing", "Error"
ITEM, ITEM_PAGE, USER, USER_PAGE = "Item", "ItemPage", "User", "UserPage"
ERASURE, USER_DATA, DESCRIPTION = "Erasure", "UserData", "Description"
RECOMMENDED, RANKED, ACTION_LIST = "RecommendedItems", "RankedItems", "RecommendedActions"


_NEXT_TOKEN: Schema = {"nextToken": described(TEXT, "Token of the next page; absent on the last one.")}


def _row(kind: RowKind[Any]) -> Schema:
    return object_of(
        {
            kind.id_field: TEXT,
            "properties": {"type": "object", "description": "The metadata columns."},
            "updatedAt": described(NUMBER, "Seconds since 1970."),
        }
    )


def _page(kind: RowKind[Any], row: str) -> Schema:
    return object_of(
        {kind.list_field: list_of({"$ref": f"#/components/schemas/{row}"})},
        _NEXT_TOKEN,
    )


def _list(field: str) -> Schema:
    item = object_of(
        {"itemId": TEXT, "score": NUMBER},
        {
            "promotionName": described(TEXT, "Promotion that added the item."),
            "metadata": map_of(TEXT),
            "reason": {
                "type": "array",
                "items": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": object_of(
                        {
                            "itemId": TEXT,
                            "eventType": TEXT,
                            "timestamp": described(NUMBER, "Seconds since 1970."),
                            "contribution": described(NUMBER, "Share of the score that is lost without it."),
                        }
                    ),
                },
                "description": "Interactions with the largest weight for the item, if `explain` is true.",
            },
        },
    )
    return object_of(
        {
            field: list_of(item, "Best first."),
            "recommendationId": described(TEXT, "ID for the `recommendationId` of events."),
        }
    )


ANSWERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        NOTHING: {"type": "object", "maxProperties": 0},
        ERROR: {
            "type": "object",
            "properties": {"message": described(TEXT, "Field, value and expectation.")},
            "required": ["message"],
        },
        ITEM: _row(ITEMS),
        ITEM_PAGE: _page(ITEMS, ITEM),
        USER: _row(USERS),
        USER_PAGE: _page(USERS, USER),
        ERASURE: object_of({"erasureId": TEXT, "status": {"enum": ["running", "complete"]}}),
        USER_DATA: object_of(
            {
                "userId": TEXT,
                "interactions": list_of({"type": "object"}),
                "quarantine": list_of({"type": "object"}),
                "recommendations": list_of({"type": "object"}),
            },
            {
                "user": {
                    "type": ["object", "null"],
                    "description": "Properties from the shop; on the first page, like profile, sessions and erasure.",
                },
                "profile": {"type": ["object", "null"], "description": "The stored interactions."},
                "sessions": list_of({"type": "object"}, "Sessions that joined the profile."),
                "erasure": {"type": ["object", "null"], "description": "The receipt."},
                **_NEXT_TOKEN,
            },
        ),
        DESCRIPTION: object_of(
            {
                "openapi": TEXT,
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
                "actionList": list_of(object_of({"actionId": TEXT, "score": NUMBER})),
                "recommendationId": TEXT,
            }
        ),
        **observe_responses.ANSWERS,
        **OPERATE_ANSWERS,
        **RULES_ANSWERS,
    }
)


def _header(about: str, *, schema: Schema = TEXT, required: bool = False) -> Schema:
    return {**({"required": True} if required else {}), "schema": schema, "description": about}


_SOURCES = ["model", "similar", "popular", "trending", "recent", "none"]

HEADERS: MappingProxyType[str, Schema] = MappingProxyType(
    {
        "x-amzn-errortype": _header(
            "Error type. Responses of API Gateway itself lack it.", schema={"enum": list(ERROR_TYPES)}
        ),
        "www-authenticate": _header("Error of the token. Absent for session tokens."),
        CORRELATION_HEADER: _header(
            "Correlation ID in logs and lake: the request's header of this name if it is well-formed. "
            "Responses of API Gateway itself lack it.",
            schema={"type": "string", "maxLength": MAX_CORRELATION_CHARACTERS},
        ),
        "etag": _header(
            "ETag of the content; `If-None-Match` with it returns 304.",
            schema={"type": "string", "pattern": '^"[0-9a-f]+"$'},
            required=True,
        ),
        "cache-control": _header("Caching rules.", required=True),
        "x-alsolike-source": _header(
            "Algorithm that ranked the items, or `none`.", schema={"enum": _SOURCES}, required=True
        ),
        "x-alsolike-model-version": _header("Version of the serving model; `none` before the first.", required=True),
        "x-alsolike-filled": _header(
            "Number of items that fill up the list, at its end unless rules apply.",
            schema={"type": "integer", "minimum": 1},
        ),
        "x-alsolike-cold-items": _header(
            "Number of ranked items unknown to the model, without filled-up and promoted items.",
            schema={"type": "integer", "minimum": 1},
        ),
        "x-alsolike-popular-within": _header(
            "User column of the segment whose popular items were used, percent-encoded."
        ),
        "x-alsolike-arms": _header("Arm of each experiment as `experiment/arm`, separated by commas."),
        "x-alsolike-degraded": _header("Reasons of degradation, separated by commas."),
        "x-alsolike-unknown-columns": _header(
            "Requested metadata columns that are not declared and missing from all items, "
            "percent-encoded, separated by commas."
        ),
        "x-alsolike-rules": _header("Rule set of the list."),
        "x-alsolike-rules-unmet": _header("Unmet rules with reasons, separated by commas, percent-encoded."),
    }
)
OF_RECOMMENDATIONS = tuple(name for name in HEADERS if name.startswith("x-alsolike-"))
OF_CACHED = ("etag", "cache-control")
