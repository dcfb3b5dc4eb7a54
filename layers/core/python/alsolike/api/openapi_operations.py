"""Operations in the API's description by route, with their requests and responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.api.observe_queries import COST_QUERY, ENGAGEMENT_QUERY, TRAFFIC_QUERY
from alsolike.api.operate_requests import (
    CHANGE,
    CHECK_RULES,
    FORECAST_RULES,
    MODELS_QUERY,
    PREVIEW,
    PROMOTE,
    PUBLISH_RULES,
    REFRESH,
    ROLL_BACK,
    RULE_HISTORY_QUERY,
    RULES_QUERY,
    SESSION_TOKEN,
    START,
    TRAININGS_QUERY,
)
from alsolike.api.put_events import put_events, put_session_events
from alsolike.api.response_schemas import HEADERS
from alsolike.catalogue.actions import ACTIONS
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind, changes_schema, described_put
from alsolike.catalogue.users import USERS
from alsolike.configuration.configuration import ColumnType, Configuration
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
from alsolike.runtime.struct import struct
from alsolike.schema.fields import Fields
from alsolike.schema.json_schemas import Schema
from alsolike.schema.queries import NEXT, PAGE

_CACHING = ("etag", "cache-control")
_OF_RECOMMENDATIONS = tuple(name for name in HEADERS if name.startswith("x-alsolike-"))


@struct
class Operation:
    """Operation of a route.

    Attributes
    ----------
    answer
        Name of the response in `response_schemas.ANSWERS`.
    errors
        Status codes of errors, in addition to the status codes common to all routes.
    body_name
        Name of the body's schema; empty if it is the name of the operation.
    """

    name: str
    summary: str
    answer: str
    errors: Sequence[int] = (400,)
    headers: Sequence[str] = ()
    status: int = 200
    body: Fields | Schema | None = None
    body_name: str = ""
    query: Fields | None = None


def _changing_models(name: str, summary: str) -> Operation:
    return Operation(name, summary, "Champion", (400, 404, 409), body=CHANGE, body_name="ChangeModels")


def _refreshing(name: str, summary: str) -> Operation:
    return Operation(name, summary, "Nothing", status=202, body=REFRESH, body_name="Refresh")


def _recommending(name: str, summary: str, query: Fields) -> Operation:
    headers = (*_OF_RECOMMENDATIONS, *_CACHING)
    return Operation(name, summary, "RecommendedItems", (400, 404), headers, query=query)


_OPERATIONS: Mapping[str, Operation] = {
    "DELETE /items/{itemId}": Operation("DeleteItem", "Delete an item", "Nothing", (400, 404, 409)),
    "DELETE /users/{userId}": Operation(
        "EraseUser",
        "Erase a user from every store, and refuse the user's events from now on",
        "Erasure",
        (400, 404),
        status=202,
    ),
    "GET /users/{userId}/data": Operation(
        "ShowUserData", "Show all stored data about a user, in pages", "UserData", (400, 404, 413), query=NEXT
    ),
    "POST /actions": Operation(
        "PutActions",
        "Store 1 to 10 actions, replacing existing ones",
        "Nothing",
        (400, 404, 409, 413),
        body=described_put(ACTIONS, {}),
        body_name="Actions",
    ),
    "POST /action-interactions": Operation(
        "PutActionInteractions",
        "Send 1 to 10 interactions of users with actions; repeated ones count once",
        "Nothing",
        (400, 404, 413),
        body=PUT_ACTION_INTERACTIONS,
        body_name="ActionInteractions",
    ),
    "POST /recommendations": Operation(
        "GetRecommendations",
        "Recommend items",
        "RecommendedItems",
        (400, 404, 413),
        _OF_RECOMMENDATIONS,
        body=GET_RECOMMENDATIONS,
    ),
    "POST /personalize-ranking": Operation(
        "GetPersonalizedRanking",
        "Rank items for a user",
        "RankedItems",
        (400, 404, 413),
        _OF_RECOMMENDATIONS,
        body=GET_PERSONALIZED_RANKING,
    ),
    "POST /action-recommendations": Operation(
        "GetActionRecommendations",
        "Recommend actions to a user",
        "RecommendedActions",
        (400, 404, 413),
        ("x-alsolike-model-version", "x-alsolike-degraded"),
        body=GET_ACTION_RECOMMENDATIONS,
    ),
    "GET /users/{userId}/recommendations": _recommending("RecommendForUser", "Recommend items to a user", USER_QUERY),
    "GET /items/{itemId}/similar": _recommending("RecommendSimilar", "Recommend related items", SIMILAR_QUERY),
    "GET /trending": _recommending("ListTrending", "List trending items", TRENDING_QUERY),
    "GET /popular": _recommending("ListPopular", "List popular items", POPULAR_QUERY),
    "GET /search": _recommending("SearchItems", "Search items by words", SEARCH_QUERY),
    "GET /session/recommendations": _recommending(
        "RecommendForSession", "Recommend items to the token's session", USER_QUERY
    ),
    "GET /session/items/{itemId}/similar": _recommending(
        "RecommendSimilarForSession", "Recommend related items to the token's session", SIMILAR_QUERY
    ),
    "GET /operator/traffic": Operation(
        "ShowTraffic", "Show requests and consumed events", "Traffic", query=TRAFFIC_QUERY
    ),
    "GET /operator/alarms": Operation("ListAlarms", "List the alarms, active ones first", "Alarms"),
    "GET /operator/engagement": Operation(
        "ShowEngagement",
        "Show clicks, carts and purchases after recommendations by day",
        "EngagementReport",
        query=ENGAGEMENT_QUERY,
    ),
    "GET /operator/increments": Operation(
        "ShowIncrements", "Show the additional orders and revenue due to recommendations", "Increments"
    ),
    "GET /operator/drift": Operation("ShowDrift", "Show the latest drift check", "DriftReport"),
    "GET /operator/quarantine": Operation("ShowQuarantine", "Show quarantined records by reason", "QuarantineReport"),
    "GET /operator/experiments": Operation("ListExperiments", "List the experiments with their reports", "Experiments"),
    "GET /operator/cost": Operation("ShowCost", "Show the monthly cost under a load", "Cost", query=COST_QUERY),
    "GET /operator/models": Operation(
        "ListModels", "List the latest model versions and the champion", "Models", query=MODELS_QUERY
    ),
    "GET /operator/models/{version}": Operation("ShowModel", "Show a model version", "ModelStory", (400, 404)),
    "POST /operator/models/{version}/promotion": Operation(
        "PromoteModel",
        "Promote a model version to champion, or start a canary",
        "Promotion",
        (400, 404, 409),
        body=PROMOTE,
    ),
    "POST /operator/models/{version}/pin": _changing_models(
        "PinModel", "Exclude a model version's files from automatic deletion"
    ),
    "POST /operator/models/{version}/unpin": _changing_models(
        "UnpinModel", "Allow automatic deletion of a model version's files"
    ),
    "POST /operator/models/resume": _changing_models("ResumeModels", "Resume automatic promotions after a rollback"),
    "POST /operator/rollbacks": Operation(
        "RollBack", "Promote the previous champion again, or end a canary", "Champion", (400, 404, 409), body=ROLL_BACK
    ),
    "GET /operator/trainings": Operation(
        "ListTrainings", "List the latest runs of the training workflow", "Trainings", query=TRAININGS_QUERY
    ),
    "POST /operator/trainings": Operation(
        "StartTraining", "Start a run of the training workflow", "StartedTraining", (400, 409), body=START
    ),
    "POST /operator/engagement": _refreshing(
        "RefreshEngagement", "Count engagement now instead of at the next scheduled time"
    ),
    "POST /operator/drift": _refreshing("RefreshDrift", "Check drift now instead of at the next scheduled time"),
    "POST /operator/session-tokens": Operation(
        "CreateSessionToken",
        "Create a session token for an operator's page, which may read all columns and use all filters",
        "SessionToken",
        body=SESSION_TOKEN,
    ),
    "GET /operator/rules": Operation(
        "ShowRules",
        "Show the rules of the live configuration or of an earlier version",
        "Rules",
        (400, 404),
        query=RULES_QUERY,
    ),
    "GET /operator/rules/history": Operation(
        "ListRuleChanges", "List the latest changes of the rules", "RuleHistory", query=RULE_HISTORY_QUERY
    ),
    "POST /operator/rules/check": Operation(
        "CheckRules",
        "Check a draft of the rules and compare it with the live rules",
        "RuleCheck",
        (400, 404),
        body=CHECK_RULES,
    ),
    "POST /operator/rules": Operation(
        "PublishRules",
        "Publish a draft of the rules as a new version of the configuration",
        "PublishedRules",
        (400, 409),
        body=PUBLISH_RULES,
    ),
    "POST /operator/rules/preview": Operation(
        "PreviewRules",
        "Show a list with and without rules, or with the live rules and a draft, without logging it",
        "RulesPreview",
        (400, 404),
        body=PREVIEW,
    ),
    "POST /operator/rules/forecasts": Operation(
        "StartForecast",
        "Start a forecast of a draft's clicks, purchases, revenue and margin",
        "StartedForecast",
        status=202,
        body=FORECAST_RULES,
    ),
    "GET /operator/rules/forecasts/{forecastId}": Operation(
        "ShowForecast", "Show the progress or the result of a forecast", "ForecastRecord", (400, 404)
    ),
    "GET /openapi.json": Operation(
        "DescribeApi", "Describe the API with its configuration", "Description", (), _CACHING
    ),
}


def operations(configuration: Configuration) -> dict[str, Operation]:
    """Return the operations by route. The configuration determines the bodies of events and rows."""
    return {
        "POST /events": Operation(
            "PutEvents",
            "Send 1 to 10 events of a session; repeated events count once",
            "Nothing",
            (400, 404, 413),
            body=put_events(configuration),
            body_name="Events",
        ),
        "POST /session/events": Operation(
            "PutSessionEvents",
            "Send 1 to 10 events of the token's session, from a browser",
            "Nothing",
            (400, 404, 413),
            body=put_session_events(configuration),
            body_name="SessionEvents",
        ),
        **_row_operations(ITEMS, configuration.item_columns),
        **_row_operations(USERS, configuration.user_columns),
        **_OPERATIONS,
    }


def _row_operations(kind: RowKind[Any], columns: Mapping[str, ColumnType]) -> dict[str, Operation]:
    path, name = f"/{kind.list_field}", kind.name.title()
    row_path = f"{path}/{{{kind.id_field}}}"
    return {
        f"POST {path}": Operation(
            f"Put{name}s",
            f"Store 1 to 10 {kind.list_field}, replacing existing ones",
            "Nothing",
            (400, 404, 413),
            body=described_put(kind, columns),
            body_name=f"{name}s",
        ),
        f"GET {path}": Operation(
            f"List{name}s", f"List {kind.list_field} in arbitrary order", f"{name}Page", query=PAGE
        ),
        f"GET {row_path}": Operation(f"Get{name}", f"Show the {kind.name}", name, (400, 404)),
        f"PATCH {row_path}": Operation(
            f"Change{name}",
            f"Set columns of the {kind.name} and remove those that are null",
            name,
            (400, 404, 409, 413),
            body=changes_schema(kind, columns),
            body_name=f"{name}Changes",
        ),
    }
