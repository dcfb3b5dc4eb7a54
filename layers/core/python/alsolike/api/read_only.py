"""Operators who may change nothing: members of a group of the user pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.declarations.routes import READING
from alsolike.runtime.errors import Forbidden
from alsolike.schema.http import route_key

GROUP = "read-only"
"""Name of the group."""


def is_read_only(event: Mapping[str, Any]) -> bool:
    """Return whether the token of a request belongs to a member of the group. API Gateway writes groups as `[a b]`."""
    claims = ((event["requestContext"].get("authorizer") or {}).get("jwt") or {}).get("claims") or {}
    return GROUP in str(claims.get("cognito:groups", "")).strip("[]").split()


def check_may_call(event: Mapping[str, Any]) -> None:
    """Check that a member of the group calls a route that changes nothing.

    Raises
    ------
    Forbidden
        If the route may change something.
    """
    key = route_key(event)
    if not key.startswith("GET ") and key not in READING and is_read_only(event):
        raise Forbidden(
            f"{key} is refused, because the operator is in the group {GROUP}. "
            "An administrator of the user pool can end the membership"
        )
