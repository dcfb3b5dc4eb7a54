"""JSON Schemas of the API's responses, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from alsolike.api.operator_responses import OPERATOR_ANSWERS
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind
from alsolike.catalogue.users import USERS
from alsolike.runtime.http import ERROR_TYPES
from alsolike.runtime.observability import CORRELATION_HEADER, MAX_CORRELATION_CHARACTERS
from alsolike.schema.json_schemas import NUMBER, TEXT, Schema, described, list_of, map_of, object_of, objects_of

_OBJECT: Schema = {"type": "object"}
_OBJECT_OR_NULL: Schema = {"type": ["object", "null"]}
_NEXT_TOKEN: Schema = {"nextToken": described(TEXT, "Token of the next page; absent on the last one.")}
_SECONDS = described(NUMBER, "Seconds since 1970.")


def _row(kind: RowKind[Any]) -> Schema:
    properties = described(_OBJECT, "The metadata columns.")
    return object_of(**{kind.id_field: TEXT}, properties=properties, updatedAt=_SECONDS)


def _page(kind: RowKind[Any]) -> Schema:
    row = {"$ref": f"#/components/schemas/{kind.name.title()}"}
    return object_of(**{kind.list_field: list_of(row)}, optional=_NEXT_TOKEN)


_REASON = object_of(
    itemId=TEXT,
    eventType=TEXT,
    timestamp=_SECONDS,
    contribution=described(NUMBER, "Share of the score that is lost without it."),
)
_ITEMS = list_of(
    object_of(
        itemId=TEXT,
        score=NUMBER,
        optional={
            "promotionName": described(TEXT, "Promotion that added the item."),
            "metadata": map_of(TEXT),
            "reason": list_of(
                {"type": "string", "contentMediaType": "application/json", "contentSchema": _REASON},
                "Interactions with the largest weight for the item, if `explain` is true.",
            ),
        },
    ),
    "Best first.",
)
_RECOMMENDATION_ID = described(TEXT, "ID for the `recommendationId` of events.")

ANSWERS = MappingProxyType(
    {
        "Nothing": {"type": "object", "maxProperties": 0},
        "Error": {
            "type": "object",
            "properties": {"message": described(TEXT, "Field, value and expectation.")},
            "required": ["message"],
        },
        "Item": _row(ITEMS),
        "ItemPage": _page(ITEMS),
        "User": _row(USERS),
        "UserPage": _page(USERS),
        "Erasure": object_of(erasureId=TEXT, status={"enum": ["running", "complete"]}),
        "UserData": object_of(
            userId=TEXT,
            interactions=list_of(_OBJECT),
            quarantine=list_of(_OBJECT),
            recommendations=list_of(_OBJECT),
            optional={
                "user": described(
                    _OBJECT_OR_NULL,
                    "Properties from the shop; on the first page, like profile, sessions and erasure.",
                ),
                "profile": described(_OBJECT_OR_NULL, "The stored interactions."),
                "sessions": list_of(_OBJECT, "Sessions that joined the profile."),
                "erasure": described(_OBJECT_OR_NULL, "The receipt."),
                **_NEXT_TOKEN,
            },
        ),
        "Description": object_of(
            openapi=TEXT, info=_OBJECT, servers={"type": "array"}, paths=_OBJECT, components=_OBJECT
        ),
        "RecommendedItems": object_of(itemList=_ITEMS, recommendationId=_RECOMMENDATION_ID),
        "RankedItems": object_of(personalizedRanking=_ITEMS, recommendationId=_RECOMMENDATION_ID),
        "RecommendedActions": object_of(actionList=objects_of(actionId=TEXT, score=NUMBER), recommendationId=TEXT),
        **OPERATOR_ANSWERS,
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
