"""Routes of the API with their functions and scopes."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

RESOURCE_SERVER = "alsolike"
READ_RECOMMENDATIONS = f"{RESOURCE_SERVER}/recommendations.read"
WRITE_EVENTS = f"{RESOURCE_SERVER}/events.write"
ADMINISTER = f"{RESOURCE_SERVER}/admin"
READ_METRICS = f"{RESOURCE_SERVER}/metrics.read"
"""Scope for keys, not for tokens."""

SCOPES: Mapping[str, str] = MappingProxyType(
    {
        READ_RECOMMENDATIONS: "Ask for recommendations",
        WRITE_EVENTS: "Send events, items and users",
        ADMINISTER: "See, change and delete items and users, and see and operate the deployment",
    }
)


SIGNED_PREFIX = "/personalize"
"""Path prefix of routes for signed requests. Clients of Amazon Personalize append the path of an operation."""

CATCH_ALL = f"POST {SIGNED_PREFIX}/{{proxy+}}"
"""Route for clients that append a slash to the path of control-plane operations.

This route also matches unknown paths.
"""


class Route(NamedTuple):
    """Function of a route, and its scopes. A token or key must have at least one of these scopes.

    The first scope selects the rate limits of `cdk.json`. Routes without scopes require a session token, except
    `PUBLIC_ROUTES`, which require no token.
    """

    function: str
    scopes: tuple[str, ...]


def _routes(function: str, scopes: Iterable[str], *keys: str) -> dict[str, Route]:
    return dict.fromkeys(keys, Route(function, tuple(scopes)))


ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        **_routes(
            "collect",
            [WRITE_EVENTS],
            "POST /events",
            "POST /items",
            "POST /users",
            "POST /actions",
            "POST /action-interactions",
        ),
        **_routes(
            "collect",
            [ADMINISTER],
            "GET /items",
            "GET /items/{itemId}",
            "PATCH /items/{itemId}",
            "DELETE /items/{itemId}",
            "GET /users",
            "GET /users/{userId}",
            "PATCH /users/{userId}",
        ),
        **_routes("collect", [ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS], "GET /openapi.json"),
        **_routes("erase_user", [ADMINISTER], "DELETE /users/{userId}"),
        **_routes("export_user", [ADMINISTER], "GET /users/{userId}/data"),
        **_routes(
            "recommend",
            [READ_RECOMMENDATIONS],
            "POST /recommendations",
            "POST /personalize-ranking",
            "POST /action-recommendations",
            "GET /users/{userId}/recommendations",
            "GET /items/{itemId}/similar",
            "GET /trending",
            "GET /popular",
            "GET /search",
        ),
        **_routes(
            "observe",
            [ADMINISTER],
            "GET /operator/traffic",
            "GET /operator/alarms",
            "GET /operator/engagement",
            "GET /operator/increments",
            "GET /operator/drift",
            "GET /operator/quarantine",
            "GET /operator/experiments",
            "GET /operator/cost",
        ),
        **_routes(
            "operate",
            [ADMINISTER],
            "GET /operator/models",
            "GET /operator/models/{version}",
            "POST /operator/models/{version}/promotion",
            "POST /operator/models/{version}/pin",
            "POST /operator/models/{version}/unpin",
            "POST /operator/models/resume",
            "POST /operator/rollbacks",
            "GET /operator/trainings",
            "POST /operator/trainings",
            "POST /operator/engagement",
            "POST /operator/drift",
            "POST /operator/session-tokens",
            "GET /operator/rules",
            "POST /operator/rules",
            "GET /operator/rules/history",
            "POST /operator/rules/check",
            "POST /operator/rules/preview",
            "POST /operator/rules/forecasts",
            "GET /operator/rules/forecasts/{forecastId}",
        ),
        **_routes("collect", [], "POST /session/events"),
        **_routes("recommend", [], "GET /session/recommendations", "GET /session/items/{itemId}/similar"),
    }
)
"""Routes by method and path. A GET also accepts HEAD."""

READING = frozenset(
    {
        "POST /recommendations",
        "POST /personalize-ranking",
        "POST /action-recommendations",
        "POST /operator/rules/check",
        "POST /operator/rules/preview",
    }
)
"""Routes that change nothing, in addition to all GET routes."""

SIGNED_ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        **{key.replace(" ", f" {SIGNED_PREFIX}", 1): route for key, route in ROUTES.items() if route.scopes},
        **_routes("personalize", [ADMINISTER], f"POST {SIGNED_PREFIX}", CATCH_ALL),
    }
)
"""Routes for signed requests. The function verifies the signature and the scopes of the key."""

BEACON_ROUTES: Mapping[str, Route] = MappingProxyType(_routes("collect", [], "POST /session/beacons"))
"""Routes for beacons (`navigator.sendBeacon`). The query contains the session token, because beacons cannot have an
authorization header.
"""

PUBLIC_ROUTES: Mapping[str, Route] = MappingProxyType(_routes("authorize_session", [], "POST /session/tokens"))
"""Routes without a token. The function checks the site key and the origin of the page."""

HEALTH_PATH = "/health"
"""Path of the route for health checks, which is in a separate API."""

BASIC_ROUTES: Mapping[str, Route] = MappingProxyType(_routes("observe", [READ_METRICS], "GET /metrics"))
"""Routes for programs that cannot sign, such as Prometheus. The function verifies a key pair in HTTP Basic."""
