"""Responses and their HTTP form in Personalize's format. Responses to plain GET requests have cache headers."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import orjson

from alsolike.profiles.impressions import Impressions
from alsolike.profiles.profile import RecentInteraction
from alsolike.recommendations.request_fields import BOUGHT_TOGETHER, POPULAR, SIMILAR_ITEMS, TRENDING
from alsolike.records.served_response import FILLED, PAIRED, PROMOTED, RANKED
from alsolike.runtime.http import is_current, not_modified, respond
from alsolike.runtime.struct import struct
from functions.recommend.http.request import RANKING_ROUTE, RecommendationRequest

Source = Literal["model", "similar", "popular", "trending", "recent", "none"]


class RankedItem(NamedTuple):
    """Item of a response; see `functions.recommend.scored_item.ScoredItem`.

    `metadata` and `reasons` are None if not requested.
    """

    item_id: str
    score: float
    origin: str = RANKED
    propensity: float | None = None
    metadata: Mapping[str, str] | None = None
    reasons: Sequence[str] | None = None


@struct
class UsedState:
    """State that a response depends on. The log references it, so that the request can be replayed.

    `catalogue` is "" before the first snapshot. `counters` is None if the response cannot contain trending items.
    `impressions` is empty if seen items are not demoted.
    """

    catalogue: str = ""
    recent: Sequence[RecentInteraction] = ()
    counters: Sequence[str] | None = None
    impressions: Sequence[Impressions] = ()


@struct
class Answer:
    """Recommendations with their origin; see `functions.recommend.ranking.inputs.Ranking`.

    Attributes
    ----------
    recommender
        Requested recommender, with aliases resolved, before experiments.
    filled, cold
        Number of items with the origin `filled`, and number of cold items that the model ranked.
    arms
        Assigned arm of each experiment, as `experiment/arm`.
    rules
        Name of the rule set that applied.
    unmet_rules
        Rules that could not be fulfilled, each with the reason.
    unknown_columns
        Requested metadata columns that are neither declared nor in an item of the response.
    model_scores
        Model score of each item before the reranker and rules; None unless `for-you` ranked by the model.
    """

    recommendation_id: str
    recommender: str
    version: str
    degraded: tuple[str, ...]
    items: Sequence[RankedItem] = ()
    source: Source = "none"
    filled: int = 0
    cold: int = 0
    within: str | None = None
    arms: tuple[str, ...] = ()
    rules: str | None = None
    unmet_rules: tuple[str, ...] = ()
    filter: str | None = None
    configuration: int = 0
    unknown_columns: tuple[str, ...] = ()
    model_scores: Sequence[float | None] | None = None
    used: UsedState = dataclasses.field(default_factory=UsedState)


@struct
class ActionAnswer:
    """Recommended actions for a user.

    `actions` are pairs of ID and propensity, best first.
    """

    actions: Sequence[tuple[str, float]]
    recommendation_id: str
    version: str
    degraded: tuple[str, ...]


_IMPERSONAL = (SIMILAR_ITEMS, BOUGHT_TOGETHER, TRENDING, POPULAR)

_AS_RANKED = (RANKED, PAIRED, FILLED)

_NAMED_RULES = 20

KEPT_S = 60
"""Maximum age in seconds of a cached response that is neither personal nor degraded nor random."""


def respond_answer(
    answer: Answer, request: RecommendationRequest, event: Mapping[str, Any], *, route: str
) -> dict[str, Any]:
    """Return the response. Headers contain data without a field in Personalize's format, such as the source."""
    items = "personalizedRanking" if route == RANKING_ROUTE else "itemList"
    document = {
        items: [_predicted_item(item) for item in answer.items],
        "recommendationId": answer.recommendation_id,
    }
    headers = _headers(answer)
    if request.session_id is None:  # A browser must not receive the shop's rules and unfulfilled promotions.
        headers.update(_rule_headers(answer))
    if route.startswith("GET "):
        headers.update(_caching(answer, request))
        if is_current(event, headers["etag"]):
            return not_modified(headers)
    return respond(document, headers=headers)


def respond_actions(answer: ActionAnswer) -> dict[str, Any]:
    headers = {"x-alsolike-model-version": answer.version}
    if answer.degraded:
        headers["x-alsolike-degraded"] = ", ".join(answer.degraded)
    actions = [{"actionId": action_id, "score": score} for action_id, score in answer.actions]
    return respond({"actionList": actions, "recommendationId": answer.recommendation_id}, headers=headers)


def _headers(answer: Answer) -> dict[str, str]:
    headers = {"x-alsolike-source": answer.source, "x-alsolike-model-version": answer.version}
    if answer.filled:
        headers["x-alsolike-filled"] = str(answer.filled)
    if answer.cold:
        headers["x-alsolike-cold-items"] = str(answer.cold)
    if answer.within:
        headers["x-alsolike-popular-within"] = quote(answer.within)  # Column names may have any characters.
    if answer.degraded:
        headers["x-alsolike-degraded"] = ", ".join(answer.degraded)
    if answer.unknown_columns:
        headers["x-alsolike-unknown-columns"] = ", ".join(map(quote, answer.unknown_columns))
    return headers


def _rule_headers(answer: Answer) -> dict[str, str]:
    headers = {}
    if answer.arms:
        headers["x-alsolike-arms"] = ", ".join(answer.arms)
    if answer.rules:
        headers["x-alsolike-rules"] = answer.rules
    if answer.unmet_rules:
        # IDs may have any characters, and many items may be pinned.
        named = [quote(rule, safe=": ") for rule in answer.unmet_rules[:_NAMED_RULES]]
        more = len(answer.unmet_rules) - len(named)
        headers["x-alsolike-rules-unmet"] = ", ".join([*named, *([f"and {more} more"] if more else [])])
    return headers


def _predicted_item(item: RankedItem) -> dict[str, Any]:
    document: dict[str, Any] = {"itemId": item.item_id, "score": item.score}
    if item.origin not in _AS_RANKED and (promotion := _promotion(item)):
        document["promotionName"] = promotion
    if item.metadata is not None:
        document["metadata"] = item.metadata
    if item.reasons is not None:
        document["reason"] = item.reasons
    return document


def _promotion(item: RankedItem) -> str | None:
    return item.origin.removeprefix(PROMOTED) if item.origin.startswith(PROMOTED) else None


def _caching(answer: Answer, request: RecommendationRequest) -> dict[str, str]:
    """Return the headers ETag and Cache-Control.

    Responses with equal items, metadata, reasons and promotions have equal ETags. Scores, which decay continuously, and
    recommendation IDs are ignored.
    """
    shown = orjson.dumps([[item.item_id, item.metadata, item.reasons, _promotion(item)] for item in answer.items])
    etag = f'"{hashlib.blake2b(shown, digest_size=12).hexdigest()}"'
    personal = request.recommender not in _IMPERSONAL or request.user_id is not None or request.session_id is not None
    drawn = any(item.propensity is not None for item in answer.items)
    if personal or answer.degraded or drawn:
        return {"etag": etag, "cache-control": "private, no-cache"}
    # Columns may be confidential, so only the requesting client caches them.
    scope = "private" if request.metadata_columns else "public"
    return {"etag": etag, "cache-control": f"{scope}, max-age={KEPT_S}"}
