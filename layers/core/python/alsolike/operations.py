"""The API's routes: a table with their requests and responses.

The API's description (`alsolike.openapi`) is generated from it, and a test compares the template's routes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alsolike import answer_schemas as answers
from alsolike import observed
from alsolike.catalog import ITEMS
from alsolike.configuration import ColumnType, Configuration
from alsolike.event_fields import put_events, put_session_events
from alsolike.operate_operations import operate_operations
from alsolike.operation import ADMINISTER as ADMINISTER
from alsolike.operation import READ_RECOMMENDATIONS as READ_RECOMMENDATIONS
from alsolike.operation import SCOPES as SCOPES
from alsolike.operation import WRITE_EVENTS as WRITE_EVENTS
from alsolike.operation import Operation as Operation
from alsolike.pages import NEXT, PAGE
from alsolike.recommendation_requests import (
    GET_PERSONALIZED_RANKING,
    GET_RECOMMENDATIONS,
    POPULAR_QUERY,
    SIMILAR_QUERY,
    TRENDING_QUERY,
    USER_QUERY,
)
from alsolike.rows import RowKind, changes_schema, described_put
from alsolike.users import USERS


def operations(configuration: Configuration) -> Iterator[Operation]:
    """Yield every route, with the event types and the columns that `configuration` declares."""
    yield from _events(configuration)
    yield from _rows(ITEMS, configuration.item_columns, row=answers.ITEM, page=answers.ITEM_PAGE)
    yield Operation(
        "DELETE /items/{itemId}", "DeleteItem", "Delete an item", [ADMINISTER], answers.NOTHING, errors=[400, 404, 409]
    )
    yield from _rows(USERS, configuration.user_columns, row=answers.USER, page=answers.USER_PAGE)
    yield Operation(
        "DELETE /users/{userId}",
        "EraseUser",
        "Erase a user from every store: nothing of the user is used or taken in from now on",
        [ADMINISTER],
        answers.ERASURE,
        errors=[400, 404],
        status=202,
    )
    yield Operation(
        "GET /users/{userId}/data",
        "ShowUserData",
        "Show everything that is held about a user, in pages",
        [ADMINISTER],
        answers.USER_DATA,
        errors=[400, 404, 413],
        query=NEXT,
    )
    yield from _recommendations()
    yield from _observed()
    yield from operate_operations()
    yield Operation(
        "GET /openapi.json",
        "DescribeApi",
        "Describe the API as it is configured",
        [ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS],
        answers.DESCRIPTION,
        headers=answers.OF_CACHED,
    )


def _events(configuration: Configuration) -> Iterator[Operation]:
    yield Operation(
        "POST /events",
        "PutEvents",
        "Send 1 to 10 events of a session; each counts once, however often it is sent",
        [WRITE_EVENTS],
        answers.NOTHING,
        errors=[400, 404, 413],
        body=("Events", put_events(configuration).schema()),
    )
    yield Operation(
        "POST /session/events",
        "PutSessionEvents",
        "Send 1 to 10 events of the token's session, from a browser",
        [],
        answers.NOTHING,
        errors=[400, 404, 413],
        body=("SessionEvents", put_session_events(configuration).schema()),
    )


def _rows(kind: RowKind[Any], columns: Mapping[str, ColumnType], *, row: str, page: str) -> Iterator[Operation]:
    path, name, one = f"/{kind.list_field}", kind.name.title(), f"{{{kind.id_field}}}"
    yield Operation(
        f"POST {path}",
        f"Put{name}s",
        f"Write 1 to 10 {kind.list_field} over what is stored under their ids",
        [WRITE_EVENTS],
        answers.NOTHING,
        errors=[400, 404, 413],
        body=(f"{name}s", described_put(kind, columns).schema()),
    )
    yield Operation(
        f"GET {path}",
        f"List{name}s",
        f"List {kind.list_field}, in no order",
        [ADMINISTER],
        page,
        errors=[400],
        query=PAGE,
    )
    yield Operation(f"GET {path}/{one}", f"Get{name}", f"Show the {kind.name}", [ADMINISTER], row, errors=[400, 404])
    yield Operation(
        f"PATCH {path}/{one}",
        f"Change{name}",
        f"Set columns of the {kind.name}, and remove those that are null",
        [ADMINISTER],
        row,
        errors=[400, 404, 409, 413],
        body=(f"{name}Changes", changes_schema(kind, columns)),
    )


def _recommendations() -> Iterator[Operation]:
    yield Operation(
        "POST /recommendations",
        "GetRecommendations",
        "Recommend items",
        [READ_RECOMMENDATIONS],
        answers.RECOMMENDED,
        errors=[400, 404, 413],
        headers=answers.OF_RECOMMENDATIONS,
        body=("GetRecommendations", GET_RECOMMENDATIONS.schema()),
    )
    yield Operation(
        "POST /personalize-ranking",
        "GetPersonalizedRanking",
        "Rank items for a user",
        [READ_RECOMMENDATIONS],
        answers.RANKED,
        errors=[400, 404, 413],
        headers=answers.OF_RECOMMENDATIONS,
        body=("GetPersonalizedRanking", GET_PERSONALIZED_RANKING.schema()),
    )
    for key, name, summary, query in (
        ("GET /users/{userId}/recommendations", "RecommendForUser", "Recommend items to a user", USER_QUERY),
        ("GET /items/{itemId}/similar", "RecommendSimilar", "Recommend what is like an item", SIMILAR_QUERY),
        ("GET /trending", "ListTrending", "List what more people turn to than before", TRENDING_QUERY),
        ("GET /popular", "ListPopular", "List what most people turn to", POPULAR_QUERY),
        ("GET /session/recommendations", "RecommendForSession", "Recommend items to the token's session", USER_QUERY),
        (
            "GET /session/items/{itemId}/similar",
            "RecommendSimilarForSession",
            "Recommend what is like an item to the token's session",
            SIMILAR_QUERY,
        ),
    ):
        yield Operation(
            key,
            name,
            summary,
            [] if key.startswith("GET /session/") else [READ_RECOMMENDATIONS],
            answers.RECOMMENDED,
            errors=[400, 404],
            headers=(*answers.OF_RECOMMENDATIONS, *answers.OF_CACHED),
            query=query,
        )


def _observed() -> Iterator[Operation]:
    for route in observed.ROUTES:
        yield Operation(
            route.key, route.name, route.summary, [ADMINISTER], route.answer, errors=[400], query=route.query
        )
