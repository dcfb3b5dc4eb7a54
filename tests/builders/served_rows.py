"""Rows of what was served."""

from typing import Any

from alsolike.domain import recommendation_id
from alsolike.lake.served import Served

SERVED_MS = 1_790_000_000_000


def served(**fields: Any) -> Served:
    """Return a row whose recommendation id says what its fields say."""
    said: dict[str, Any] = {
        "served_ms": SERVED_MS,
        "recommender": "for-you",
        "model_version": "v1",
        "arms": ["menu/short"],
        "shopper": "5h0pp3r",
        "session": None,
        "source": "model",
        "degraded": [],
        "configuration": 3,
        "rules": None,
        "filter": None,
        "page_item": None,
        "asked": 2,
        "item_ids": ["fig", "plum"],
        "origins": ["ranked", "promoted:autumn"],
        "propensities": [None, 0.25],
        **{name: value for name, value in fields.items() if name != "recommendation_id"},
    }
    made = fields.get("recommendation_id") or recommendation_id.create(
        answered_ms=said["served_ms"],
        recommender=said["recommender"],
        version=said["model_version"],
        arms=said["arms"],
    )
    return Served(recommendation_id=made, **said)
