"""Request parameters that have no column in the log: from the row's field `request`, or from a passed request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alsolike.configuration.arns import resource_name
from alsolike.declarations.shared_defaults import DEFAULT_RESULTS
from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.request_fields import (
    GET_PERSONALIZED_RANKING,
    GET_RECOMMENDATIONS,
    PERSONALIZED_RANKING,
    TRENDING,
)
from alsolike.records.served_response import ServedResponse
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from alsolike.trends.windows import WINDOWS

_UNLOGGED = ("cart", "filterValues", "context", "promotions", "exclude")


def logged_parameters(row: ServedResponse) -> dict[str, Any]:
    """Return the parameters of the request that a replay requires, as far as the row has them."""
    stored = json.loads(row.request or "{}")
    return {name: stored[name] for name in (*_UNLOGGED, "inputList", "window") if name in stored}


def history_parameter(history: Iterable[RecentInteraction]) -> list[dict[str, Any]]:
    """Return a history in the form of a replay's request."""
    return [
        {
            "timeMs": interaction.event_time_ms,
            "eventId": interaction.event_id,
            "itemId": interaction.item_id,
            "eventType": interaction.event_type,
            **({"context": interaction.context} if interaction.context else {}),
        }
        for interaction in history
    ]


def read_request(file: Path) -> dict[str, Any]:
    """Read the body of `POST /recommendations` or `POST /personalize-ranking` from a file, or from standard input for
    `-`.
    """
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"--request {file} cannot be read: {error}") from error
    body = validation.parse_object(text)
    return (GET_PERSONALIZED_RANKING if "inputList" in body else GET_RECOMMENDATIONS).read(body)


def unlogged_parameters(request: dict[str, Any], row: ServedResponse) -> dict[str, Any]:
    """Return the parameters of the request that the log does not contain and a replay requires.

    Raise `InvalidInput` if the row belongs to another request.
    """
    ranked, cart = request.get("inputList"), request.get("cart")
    for name, requested, logged in (
        ("items", request.get("numResults") or (len(ranked) if ranked else DEFAULT_RESULTS), row.asked),
        ("itemId", request.get("itemId", cart[-1] if cart else None), row.page_item),
        ("filterArn", _segment(request.get("filterArn")), row.filter if "filterArn" in request else None),
        ("inputList", ranked is not None, row.recommender == PERSONALIZED_RANKING),
    ):
        if requested != logged:
            raise InvalidInput(
                f"the request has {name} {requested!r}, but the response belongs to a request with {logged!r}"
            )
    parameters = {name: request[name] for name in _UNLOGGED if name in request}
    if ranked is not None:
        parameters["inputList"] = ranked
    window = (_segment(request.get("recommenderArn") or request.get("campaignArn")) or "").removeprefix(f"{TRENDING}-")
    return parameters | ({"window": window} if window in WINDOWS else {})


def _segment(arn: str | None) -> str | None:
    return None if arn is None else resource_name(arn)
