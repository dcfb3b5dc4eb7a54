"""Replay of a logged request, and its differences from the logged response."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.recommend_invocations import check_not_refused
from alsolike.recommendations.request_fields import BOUGHT_TOGETHER, PERSONALIZED_RANKING, TRENDING
from alsolike.records.served_response import PROMOTED, ServedResponse
from operations.client.functions import invoke
from operations.explanation.unlogged_parameters import history_parameter

if TYPE_CHECKING:
    from operations.client.deployment import Deployment


@dataclasses.dataclass(frozen=True, slots=True)
class Replay:
    """Response of the current deployment to the logged request, with the user's history at the time of the logged
    response.

    `reasons` are JSON texts by item, highest contribution first.
    """

    item_ids: tuple[str, ...]
    reasons: Mapping[str, Sequence[str]]
    source: str
    model_version: str
    configuration: int
    rules: str | None
    arms: tuple[str, ...]
    degraded: tuple[str, ...]


def replay(
    deployment: Deployment,
    row: ServedResponse,
    *,
    user: str | None,
    history: Sequence[RecentInteraction],
    unlogged: Mapping[str, Any] | None = None,
) -> Replay:
    """Replay the request of a logged response. `unlogged` are parameters that the row does not contain."""
    event = {
        "nowMs": row.served_ms,
        "recommendationId": row.recommendation_id,
        "recommender": row.recommender,
        "numResults": max(row.asked, 1),
        "userId": user,
        "itemId": row.page_item,
        "filter": row.filter,
        "inputList": (list(row.item_ids) or None) if row.recommender == PERSONALIZED_RANKING else None,
        "history": history_parameter(history),
        **({"context": {"DEVICE": row.device}} if row.device else {}),
        **(unlogged or {}),
    }
    document = orjson.loads(
        invoke(
            deployment, deployment.names.recommend_function, {"replay": event}, failure="the answer cannot be replayed"
        )
    )
    check_not_refused(document)
    return Replay(
        item_ids=tuple(item["itemId"] for item in document["items"]),
        reasons={item["itemId"]: item["reason"] for item in document["items"]},
        source=document["source"],
        model_version=document["modelVersion"],
        configuration=document["configuration"],
        rules=document["rules"],
        arms=tuple(document["arms"]),
        degraded=tuple(document["degraded"]),
    )


def differences(row: ServedResponse, replayed: Replay, *, unlogged: Mapping[str, Any] | None = None) -> list[str]:
    """Return possible reasons why the items of the replay differ from the row."""
    unlogged = unlogged or {}
    if replayed.item_ids == row.item_ids:
        return []
    differences = [
        f"{subject} is {current} now, it was {logged}"
        for subject, logged, current in (
            ("the model version", row.model_version, replayed.model_version),
            ("the configuration", row.configuration, replayed.configuration),
            ("the rule set", row.rules or "none", replayed.rules or "none"),
            ("the arm", ", ".join(row.arms) or "none", ", ".join(replayed.arms) or "none"),
            ("the degradation", ", ".join(row.degraded) or "nothing", ", ".join(replayed.degraded) or "nothing"),
            ("the source", row.source, replayed.source),
        )
        if logged != current
    ]
    if drawn := [str(place) for place, chance in enumerate(row.propensities, 1) if chance is not None]:
        differences.append(f"chance chose for place {', '.join(drawn)}")
    if "promotions" not in unlogged and any(origin.startswith(PROMOTED) for origin in row.origins):
        differences.append("the log has no promotions of the request: pass the request with --request")
    if row.filter is not None and "filterValues" not in unlogged:
        differences.append(
            f"the log has no values for the parameters of filter {row.filter}: pass the request with --request"
        )
    if row.recommender == BOUGHT_TOGETHER and "cart" not in unlogged:
        differences.append("the log has no cart: if the request had one, pass it with --request")
    if TRENDING in (row.recommender, row.source):
        differences.append("trending items are counted over the latest hour, not over the hour before the response")
    return differences or [
        "no logged value differs: the replay uses the current catalogue and properties of the user, parameters that "
        "the log lacks need --request, and the latest interactions may have arrived after the response"
    ]
