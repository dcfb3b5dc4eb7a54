"""Routes in the API's description, with their requests and responses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alsolike.api import observe_queries, operator_rules, response_schemas
from alsolike.api import operate_responses as action_responses
from alsolike.api.operate_requests import (
    CHANGE,
    MODELS_QUERY,
    PREVIEW,
    PROMOTE,
    REFRESH,
    ROLL_BACK,
    SESSION_TOKEN,
    START,
    TRAININGS_QUERY,
)
from alsolike.api.put_events import put_events, put_session_events
from alsolike.catalogue.actions import ACTIONS
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind, changes_schema, described_put
from alsolike.catalogue.users import USERS
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.declarations.routes import ROUTES
from alsolike.events.action_events import PUT_ACTION_INTERACTIONS
from alsolike.recommendations.request_fields import (
    GET_ACTION_RECOMMENDATIONS,
    GET_PERSONALIZED_RANKING,
    GET_RECOMMENDATIONS,
    POPULAR_QUERY,
    SEARCH_QUERY,
    SIMILAR_QUERY,
    TRENDING_QUERY,
    USER_QUERY,
)
from alsolike.schema.fields import Fields
from alsolike.schema.json_schemas import Schema
from alsolike.schema.queries import NEXT, PAGE


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """Route of the API.

    Attributes
    ----------
    answer
        Name of the response in `response_schemas.ANSWERS`.
    errors
        Status codes of errors, in addition to the status codes common to all routes.
    """

    key: str
    name: str
    summary: str
    answer: str
    errors: Sequence[int] = ()
    headers: Sequence[str] = ()
    status: int = 200
    body: tuple[str, Schema] | None = None
    query: Fields | None = None

    @property
    def scopes(self) -> Sequence[str]:
        """Scopes that grant access. Empty if the route requires a session token."""
        return ROUTES[self.key].scopes

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]


def operate_operations() -> Iterator[Operation]:
    yield Operation(
        "GET /operator/models",
        "ListModels",
        "List the latest model versions and the champion",
        action_responses.MODELS,
        errors=[400],
        query=MODELS_QUERY,
    )
    yield Operation(
        "GET /operator/models/{version}",
        "ShowModel",
        "Show a model version",
        action_responses.MODEL_STORY,
        errors=[400, 404],
    )
    yield Operation(
        "POST /operator/models/{version}/promotion",
        "PromoteModel",
        "Promote a model version to champion, or start a canary",
        action_responses.PROMOTION,
        errors=[400, 404, 409],
        body=("PromoteModel", PROMOTE.schema()),
    )
    for verb, summary in (
        ("pin", "Exclude a model version's files from automatic deletion"),
        ("unpin", "Allow automatic deletion of a model version's files"),
    ):
        yield Operation(
            f"POST /operator/models/{{version}}/{verb}",
            f"{verb.title()}Model",
            summary,
            action_responses.CHAMPION,
            errors=[400, 404, 409],
            body=("ChangeModels", CHANGE.schema()),
        )
    yield Operation(
        "POST /operator/models/resume",
        "ResumeModels",
        "Resume automatic promotions after a rollback",
        action_responses.CHAMPION,
        errors=[400, 404, 409],
        body=("ChangeModels", CHANGE.schema()),
    )
    yield Operation(
        "POST /operator/rollbacks",
        "RollBack",
        "Promote the previous champion again, or end a canary",
        action_responses.CHAMPION,
        errors=[400, 404, 409],
        body=("RollBack", ROLL_BACK.schema()),
    )
    yield Operation(
        "GET /operator/trainings",
        "ListTrainings",
        "List the latest runs of the training workflow",
        action_responses.TRAININGS,
        errors=[400],
        query=TRAININGS_QUERY,
    )
    yield Operation(
        "POST /operator/trainings",
        "StartTraining",
        "Start a run of the training workflow",
        action_responses.STARTED_TRAINING,
        errors=[400, 409],
        body=("StartTraining", START.schema()),
    )
    for subject, name, summary in (
        ("engagement", "RefreshEngagement", "Count engagement now instead of at the next scheduled time"),
        ("drift", "RefreshDrift", "Check drift now instead of at the next scheduled time"),
    ):
        yield Operation(
            f"POST /operator/{subject}",
            name,
            summary,
            response_schemas.NOTHING,
            errors=[400],
            status=202,
            body=("Refresh", REFRESH.schema()),
        )
    yield Operation(
        "POST /operator/session-tokens",
        "CreateSessionToken",
        "Create a session token for an operator's page, which may read all columns and use all filters",
        action_responses.SESSION_TOKEN,
        errors=[400],
        body=("CreateSessionToken", SESSION_TOKEN.schema()),
    )
    yield Operation(
        "GET /operator/rules",
        "ShowRules",
        "Show the rules of the live configuration or of an earlier version",
        operator_rules.RULES,
        errors=[400, 404],
        query=operator_rules.RULES_QUERY,
    )
    yield Operation(
        "GET /operator/rules/history",
        "ListRuleChanges",
        "List the latest changes of the rules",
        operator_rules.RULE_HISTORY,
        errors=[400],
        query=operator_rules.HISTORY_QUERY,
    )
    yield Operation(
        "POST /operator/rules/check",
        "CheckRules",
        "Check a draft of the rules and compare it with the live rules",
        operator_rules.RULE_CHECK,
        errors=[400, 404],
        body=("CheckRules", operator_rules.CHECK.schema()),
    )
    yield Operation(
        "POST /operator/rules",
        "PublishRules",
        "Publish a draft of the rules as a new version of the configuration",
        operator_rules.PUBLISHED_RULES,
        errors=[400, 409],
        body=("PublishRules", operator_rules.PUBLISH.schema()),
    )
    yield Operation(
        "POST /operator/rules/preview",
        "PreviewRules",
        "Show a list with and without rules, or with the live rules and a draft, without logging it",
        action_responses.RULES_PREVIEW,
        errors=[400, 404],
        body=("PreviewRules", PREVIEW.schema()),
    )
    yield Operation(
        "POST /operator/rules/forecasts",
        "StartForecast",
        "Start a forecast of a draft's clicks, purchases, revenue and margin",
        operator_rules.STARTED_FORECAST,
        errors=[400],
        status=202,
        body=("StartForecast", operator_rules.FORECAST.schema()),
    )
    yield Operation(
        "GET /operator/rules/forecasts/{forecastId}",
        "ShowForecast",
        "Show the progress or the result of a forecast",
        operator_rules.FORECAST_RECORD,
        errors=[400, 404],
    )


def operations(configuration: Configuration) -> Iterator[Operation]:
    yield from _events(configuration)
    yield from _rows(ITEMS, configuration.item_columns, row=response_schemas.ITEM, page=response_schemas.ITEM_PAGE)
    yield Operation(
        "DELETE /items/{itemId}", "DeleteItem", "Delete an item", response_schemas.NOTHING, errors=[400, 404, 409]
    )
    yield from _rows(USERS, configuration.user_columns, row=response_schemas.USER, page=response_schemas.USER_PAGE)
    yield Operation(
        "DELETE /users/{userId}",
        "EraseUser",
        "Erase a user from every store, and refuse the user's events from now on",
        response_schemas.ERASURE,
        errors=[400, 404],
        status=202,
    )
    yield Operation(
        "GET /users/{userId}/data",
        "ShowUserData",
        "Show all stored data about a user, in pages",
        response_schemas.USER_DATA,
        errors=[400, 404, 413],
        query=NEXT,
    )
    yield from _actions()
    yield from _recommendations()
    yield from _observed()
    yield from operate_operations()
    yield Operation(
        "GET /openapi.json",
        "DescribeApi",
        "Describe the API with its configuration",
        response_schemas.DESCRIPTION,
        headers=response_schemas.OF_CACHED,
    )


def _events(configuration: Configuration) -> Iterator[Operation]:
    yield Operation(
        "POST /events",
        "PutEvents",
        "Send 1 to 10 events of a session; repeated events count once",
        response_schemas.NOTHING,
        errors=[400, 404, 413],
        body=("Events", put_events(configuration).schema()),
    )
    yield Operation(
        "POST /session/events",
        "PutSessionEvents",
        "Send 1 to 10 events of the token's session, from a browser",
        response_schemas.NOTHING,
        errors=[400, 404, 413],
        body=("SessionEvents", put_session_events(configuration).schema()),
    )


def _rows(kind: RowKind[Any], columns: Mapping[str, ColumnType], *, row: str, page: str) -> Iterator[Operation]:
    path, name, one = f"/{kind.list_field}", kind.name.title(), f"{{{kind.id_field}}}"
    yield Operation(
        f"POST {path}",
        f"Put{name}s",
        f"Store 1 to 10 {kind.list_field}, replacing existing ones",
        response_schemas.NOTHING,
        errors=[400, 404, 413],
        body=(f"{name}s", described_put(kind, columns).schema()),
    )
    yield Operation(
        f"GET {path}",
        f"List{name}s",
        f"List {kind.list_field} in arbitrary order",
        page,
        errors=[400],
        query=PAGE,
    )
    yield Operation(f"GET {path}/{one}", f"Get{name}", f"Show the {kind.name}", row, errors=[400, 404])
    yield Operation(
        f"PATCH {path}/{one}",
        f"Change{name}",
        f"Set columns of the {kind.name} and remove those that are null",
        row,
        errors=[400, 404, 409, 413],
        body=(f"{name}Changes", changes_schema(kind, columns)),
    )


def _actions() -> Iterator[Operation]:
    yield Operation(
        "POST /actions",
        "PutActions",
        "Store 1 to 10 actions, replacing existing ones",
        response_schemas.NOTHING,
        errors=[400, 404, 409, 413],
        body=("Actions", described_put(ACTIONS, {}).schema()),
    )
    yield Operation(
        "POST /action-interactions",
        "PutActionInteractions",
        "Send 1 to 10 interactions of users with actions; repeated ones count once",
        response_schemas.NOTHING,
        errors=[400, 404, 413],
        body=("ActionInteractions", PUT_ACTION_INTERACTIONS.schema()),
    )


def _recommendations() -> Iterator[Operation]:
    yield Operation(
        "POST /recommendations",
        "GetRecommendations",
        "Recommend items",
        response_schemas.RECOMMENDED,
        errors=[400, 404, 413],
        headers=response_schemas.OF_RECOMMENDATIONS,
        body=("GetRecommendations", GET_RECOMMENDATIONS.schema()),
    )
    yield Operation(
        "POST /personalize-ranking",
        "GetPersonalizedRanking",
        "Rank items for a user",
        response_schemas.RANKED,
        errors=[400, 404, 413],
        headers=response_schemas.OF_RECOMMENDATIONS,
        body=("GetPersonalizedRanking", GET_PERSONALIZED_RANKING.schema()),
    )
    yield Operation(
        "POST /action-recommendations",
        "GetActionRecommendations",
        "Recommend actions to a user",
        response_schemas.ACTION_LIST,
        errors=[400, 404, 413],
        headers=["x-alsolike-model-version", "x-alsolike-degraded"],
        body=("GetActionRecommendations", GET_ACTION_RECOMMENDATIONS.schema()),
    )
    for key, name, summary, query in (
        ("GET /users/{userId}/recommendations", "RecommendForUser", "Recommend items to a user", USER_QUERY),
        ("GET /items/{itemId}/similar", "RecommendSimilar", "Recommend related items", SIMILAR_QUERY),
        ("GET /trending", "ListTrending", "List trending items", TRENDING_QUERY),
        ("GET /popular", "ListPopular", "List popular items", POPULAR_QUERY),
        ("GET /search", "SearchItems", "Search items by words", SEARCH_QUERY),
        ("GET /session/recommendations", "RecommendForSession", "Recommend items to the token's session", USER_QUERY),
        (
            "GET /session/items/{itemId}/similar",
            "RecommendSimilarForSession",
            "Recommend related items to the token's session",
            SIMILAR_QUERY,
        ),
    ):
        yield Operation(
            key,
            name,
            summary,
            response_schemas.RECOMMENDED,
            errors=[400, 404],
            headers=(*response_schemas.OF_RECOMMENDATIONS, *response_schemas.OF_CACHED),
            query=query,
        )


def _observed() -> Iterator[Operation]:
    for route in observe_queries.ROUTES:
        yield Operation(route.key, route.name, route.summary, route.answer, errors=[400], query=route.query)
