"""An answer as Personalize's GetRecommendations words it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from alsolike.http import respond
from functions.recommend.service import Answer, Recommendation


def respond_answer(answer: Answer) -> dict[str, Any]:
    """Return the HTTP answer; headers say where it comes from, which Personalize's shape cannot."""
    headers = {"x-alsolike-source": answer.source, "x-alsolike-model-version": answer.version}
    if answer.filled:
        headers["x-alsolike-filled"] = str(answer.filled)
    if answer.cold:
        headers["x-alsolike-cold-items"] = str(answer.cold)
    if answer.within:
        headers["x-alsolike-popular-within"] = quote(answer.within)  # names of columns are anybody's
    if answer.degraded:
        headers["x-alsolike-degraded"] = ", ".join(answer.degraded)
    document = {
        "itemList": [_predicted_item(item) for item in answer.items],
        "recommendationId": answer.recommendation_id,
    }
    return respond(document, headers=headers)


def _predicted_item(item: Recommendation) -> dict[str, Any]:
    document: dict[str, Any] = {"itemId": item.item_id, "score": item.score}
    if item.metadata is not None:
        document["metadata"] = item.metadata
    return document
