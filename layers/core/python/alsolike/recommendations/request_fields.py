"""Fields of requests for recommendations, in bodies and query strings."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

from alsolike.configuration.aliases import NEXT_BEST_ACTION, SEGMENTS
from alsolike.declarations.limits import (
    MAX_ACTION_RESULTS,
    MAX_BATCH_USERS,
    MAX_CART_ITEMS,
    MAX_COLUMN_CHARACTERS,
    MAX_EXCLUDED,
    MAX_EXCLUDED_IN_QUERY,
    MAX_FILTER_PARAMETER_CHARACTERS,
    MAX_FILTER_PARAMETERS,
    MAX_FILTER_VALUE_CHARACTERS,
    MAX_ID_CHARACTERS,
    MAX_METADATA_COLUMNS,
    MAX_QUERY_CHARACTERS,
    MAX_RESULTS,
    MAX_RESULTS_WITH_METADATA,
)
from alsolike.declarations.shared_defaults import DEFAULT_ACTIONS, DEFAULT_PREVIEWED_RESULTS, DEFAULT_RESULTS
from alsolike.declarations.storage import BATCH_PREFIX
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.schema.fields import SPACE, Choice, Field, Fields, Flag, Integer, ListOf, MapOf, Text
from alsolike.trends.windows import DEFAULT_WINDOW, WINDOWS

FOR_YOU = "for-you"
SIMILAR_ITEMS = "similar-items"
BOUGHT_TOGETHER = "bought-together"
BUY_AGAIN = "buy-again"
TRENDING = "trending"
POPULAR = "popular"
RECENTLY_VIEWED = "recently-viewed"
PERSONALIZED_RANKING = "personalized-ranking"

OF_USERS = (FOR_YOU, BUY_AGAIN, RECENTLY_VIEWED)
"""Recommenders that require a user."""
OF_ITEMS = (SIMILAR_ITEMS, BOUGHT_TOGETHER)
"""Recommenders that require an item, or a cart in place of the item for `bought-together`."""
LISTING = (*OF_USERS, *OF_ITEMS, TRENDING, POPULAR)
"""Recommenders that select items. In contrast, `PERSONALIZED_RANKING` ranks the items of the request."""
OF_BATCHES = (*OF_USERS, TRENDING, POPULAR, NEXT_BEST_ACTION, SEGMENTS)
"""Recommenders for batches of users. `NEXT_BEST_ACTION` recommends actions, and `SEGMENTS` scores users."""

_SEGMENT = r"[^/\x00-\x1f\x7f]"


def _arn(kind: str) -> Text:
    return Text(
        MAX_ID_CHARACTERS,
        pattern=rf"^arn:[a-z0-9-]+:personalize:[^:\x00-\x1f\x7f]*:[^:\x00-\x1f\x7f]*:[^\x00-\x1f\x7f]*{_SEGMENT}$",
        expected=f"arn:aws:personalize:<region>:<account>:{kind}/<name>",
        about=f"ARN in Amazon Personalize's form; its last segment names the {kind}.",
    )


_USER = Text(MAX_ID_CHARACTERS, about="User, or session of an anonymous visitor.")
_ITEM = Text(MAX_ID_CHARACTERS, about="Item of the page; `CurrentItem` in filters.")
_RESULTS = Integer(
    0, MAX_RESULTS, DEFAULT_RESULTS, about="Number of items; 0 for the default. At most 50 with metadata."
)
_COLUMNS = ListOf(Text(MAX_COLUMN_CHARACTERS), 0, MAX_METADATA_COLUMNS, about="Columns of the catalogue to return.")
_COLUMNS_OF_QUERY = dataclasses.replace(
    _COLUMNS,
    minimum=1,
    element=Text(
        MAX_COLUMN_CHARACTERS,
        # API Gateway decodes the query string before it splits values at commas, so a name cannot contain a comma.
        pattern=rf"^[^,\x00-\x1f\x7f]*[^,{SPACE}\x00-\x1f\x7f][^,\x00-\x1f\x7f]*$",
        expected="a column's name",
    ),
)
_EXCLUDE = ListOf(
    Text(MAX_ID_CHARACTERS),
    0,
    MAX_EXCLUDED,
    about="Items to exclude, such as those in the page's other lists.",
)
_ID_OF_QUERY = Text(
    MAX_ID_CHARACTERS,
    pattern=rf"^[^,\x00-\x1f\x7f]*[^,{SPACE}\x00-\x1f\x7f][^,\x00-\x1f\x7f]*$",
    expected="an item ID; send an ID with a comma in the body of a POST",
)
_COMMAS = "Commas separate IDs; only the body of a POST can contain an ID with a comma."
_EXCLUDE_OF_QUERY = dataclasses.replace(
    _EXCLUDE,
    minimum=1,
    maximum=MAX_EXCLUDED_IN_QUERY,
    element=_ID_OF_QUERY,
    about=f"{_EXCLUDE.about} {_COMMAS}",
)
_CART = ListOf(
    Text(MAX_ID_CHARACTERS),
    0,
    MAX_CART_ITEMS,
    about="Items of the cart, for `bought-together`: items that complete it, without substitutes for them.",
)
_CART_OF_QUERY = dataclasses.replace(_CART, minimum=1, element=_ID_OF_QUERY, about=f"{_CART.about} {_COMMAS}")
FILTER_VALUES = MapOf(
    Text(
        MAX_FILTER_PARAMETER_CHARACTERS,
        pattern="^[A-Za-z0-9_]+$",
        expected=f"1 to {MAX_FILTER_PARAMETER_CHARACTERS} letters, digits and underscores",
    ),
    Text(MAX_FILTER_VALUE_CHARACTERS),
    MAX_FILTER_PARAMETERS,
    keys="parameters",
    about='Values of the filter\'s parameters: plain (`20`), or quoted with commas between (`"Drama","Crime"`).',
)
_CONTEXT = MapOf(
    Text(150),
    Text(1_000),
    150,
    about="Current properties of the user; they override stored ones.",
)
_EXPLAIN = Flag(about="Return the interactions that explain each item in `reason`.")
_METADATA_COLUMNS = Fields({"ITEMS": _COLUMNS})
_PROMOTIONS = ListOf(
    Fields(
        {
            "name": Text(63, pattern=f"^{NAME.pattern}$", expected=NAME_FORM, about="Default: the filter's own."),
            "percentPromotedItems": Integer(1, 100, about="Percentage of the items that are promoted."),
            "filterArn": _arn("filter"),
            "filterValues": FILTER_VALUES,
        },
        required=("percentPromotedItems", "filterArn"),
    ),
    0,
    1,
    about="Promotions that replace those of the rules: a share of the items must pass a filter.",
)

# Requests with metadata have a lower maximum, because the largest columns of 500 items would exceed Lambda's response
# size.
_FEW_WITH_METADATA = {
    "if": {
        "required": ["metadataColumns"],
        "properties": {
            "metadataColumns": {
                "type": "object",
                "required": ["ITEMS"],
                "properties": {"ITEMS": {"type": "array", "minItems": 1}},
            }
        },
    },
}


def _named(segment: str) -> dict[str, Any]:
    """Return the schema of calls whose `recommenderArn` or `campaignArn` ends with a segment that matches a pattern."""
    pattern = {"type": "string", "pattern": f"/({segment})$"}
    return {
        "anyOf": [{"required": [name], "properties": {name: pattern}} for name in ("recommenderArn", "campaignArn")]
    }


def needs(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": "string"}}}


_OF_ITEMS = "|".join(OF_ITEMS)
WITH_CART = {"required": ["cart"], "properties": {"cart": {"type": "array", "minItems": 1}}}
_WITHOUT_USER = f"{_OF_ITEMS}|{POPULAR}|{TRENDING}(-({'|'.join(WINDOWS)}))?"

GET_RECOMMENDATIONS = Fields(
    {
        "campaignArn": _arn("campaign"),
        "recommenderArn": _arn("recommender"),
        "userId": _USER,
        "itemId": _ITEM,
        "cart": _CART,
        "numResults": _RESULTS,
        "metadataColumns": _METADATA_COLUMNS,
        "filterArn": _arn("filter"),
        "filterValues": FILTER_VALUES,
        "context": _CONTEXT,
        "explain": _EXPLAIN,
        "promotions": _PROMOTIONS,
        "exclude": _EXCLUDE,
    },
    rules={
        **_FEW_WITH_METADATA,
        "then": {"properties": {"numResults": {"maximum": MAX_RESULTS_WITH_METADATA}}},
        "allOf": [
            {"anyOf": [{"properties": {name: {"type": "null"}}} for name in ("campaignArn", "recommenderArn")]},
            {"anyOf": [_named(_WITHOUT_USER), needs("userId")]},
            {"anyOf": [{"not": _named(_OF_ITEMS)}, needs("itemId"), WITH_CART]},
            {"anyOf": [{"properties": {"cart": {"maxItems": 0}}}, _named(BOUGHT_TOGETHER)]},
        ],
    },
    about="GetRecommendations of Amazon Personalize's runtime, `cart`, `explain` and `exclude`.",
)

GET_PERSONALIZED_RANKING = Fields(
    {
        "campaignArn": _arn("campaign"),
        "userId": _USER,
        "inputList": ListOf(Text(MAX_ID_CHARACTERS), 1, MAX_RESULTS, about="Items to rank; 50 at most with metadata."),
        "metadataColumns": _METADATA_COLUMNS,
        "filterArn": _arn("filter"),
        "filterValues": FILTER_VALUES,
        "context": _CONTEXT,
        "explain": _EXPLAIN,
    },
    required=("campaignArn", "userId", "inputList"),
    rules={**_FEW_WITH_METADATA, "then": {"properties": {"inputList": {"maxItems": MAX_RESULTS_WITH_METADATA}}}},
    about="GetPersonalizedRanking of Amazon Personalize's runtime, and `explain`.",
)

GET_ACTION_RECOMMENDATIONS = Fields(
    {
        "campaignArn": _arn("campaign"),
        "userId": Text(MAX_ID_CHARACTERS, about="User."),
        "numResults": Integer(0, MAX_ACTION_RESULTS, DEFAULT_ACTIONS, about="Number of actions; 0 for the default."),
    },
    required=("userId",),
    about="GetActionRecommendations of Amazon Personalize's runtime, without filters.",
)

_QUERY: MappingProxyType[str, Field] = MappingProxyType(
    {
        "numResults": _RESULTS,
        "metadata": _COLUMNS_OF_QUERY,
        "filter": Text(MAX_ID_CHARACTERS, about="Name of a filter of the configuration."),
        "filterValues": FILTER_VALUES,
        "exclude": _EXCLUDE_OF_QUERY,
    }
)
_OF_USER_OR_SESSION: MappingProxyType[str, Field] = MappingProxyType(
    {**_QUERY, "context": _CONTEXT, "explain": _EXPLAIN}
)

USER_QUERY = Fields(
    {
        "recommender": Choice(LISTING, FOR_YOU),
        "itemId": _ITEM,
        "cart": _CART_OF_QUERY,
        "window": Choice(tuple(WINDOWS), DEFAULT_WINDOW, about="Only with `trending`."),
        **_OF_USER_OR_SESSION,
    }
)
"""Query of `GET /users/{userId}/recommendations` and `GET /session/recommendations`."""
SIMILAR_QUERY = Fields({"recommender": Choice(OF_ITEMS, SIMILAR_ITEMS), **_QUERY, "explain": _EXPLAIN})
"""Query of `GET /items/{itemId}/similar` and `GET /session/items/{itemId}/similar`."""
TRENDING_QUERY = Fields({"window": Choice(tuple(WINDOWS), DEFAULT_WINDOW), **_QUERY})
SEARCH_QUERY = Fields(
    {
        "query": Text(MAX_QUERY_CHARACTERS, about="Words; items must contain a word that starts with each of them."),
        "userId": _USER,
        **_QUERY,
        "context": _CONTEXT,
    },
    required=("query",),
)
POPULAR_QUERY = Fields({**_QUERY, "context": _CONTEXT})

_KEY = Text(
    512,
    pattern=rf"^{BATCH_PREFIX}[^\x00-\x1f\x7f]+$",
    expected=f"a key of the artefact bucket below {BATCH_PREFIX}",
)

BATCH = Fields(
    {
        "input": Fields({"key": _KEY}, required=("key",), about="A JSON list of users, instead of `users`."),
        "first": Integer(
            0, MAX_BATCH_USERS, 0, about="Number of users in the list that an earlier call has already processed."
        ),
        "recommender": Choice(OF_BATCHES, FOR_YOU),
        "numResults": Integer(0, MAX_RESULTS, DEFAULT_RESULTS),
        "filter": Text(MAX_ID_CHARACTERS),
        "filterValues": FILTER_VALUES,
        "output": Fields(
            {"key": _KEY}, required=("key",), about="Object for the responses, which are then not part of the result."
        ),
        "segments": Fields({"key": _KEY}, required=("key",), about="Object with the lines of a segment job."),
    }
)
"""Fields of a batch event except `users`. The entries of `users` are validated individually."""

PREVIEW = Fields(
    {
        "userId": _USER,
        "itemId": _ITEM,
        "cart": _CART,
        "recommender": Choice(LISTING, FOR_YOU),
        "numResults": Integer(1, MAX_RESULTS_WITH_METADATA, DEFAULT_PREVIEWED_RESULTS),
        "filter": Text(MAX_ID_CHARACTERS),
        "filterValues": FILTER_VALUES,
        "metadata": _COLUMNS,
        "exclude": _EXCLUDE,
        "rules": Text(63, about="Rule set that replaces the recommender's own."),
    }
)
"""Fields of a preview event except `configuration`, which is a configuration document that need not be applied."""
