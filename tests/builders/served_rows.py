"""Rows of the recommendation log."""

from typing import Any

import orjson

from alsolike.configuration import recommendation_id
from alsolike.records.served_response import ServedResponse

SERVED_MS = 1_790_000_000_000


def served(**fields: Any) -> ServedResponse:
    """Return a row. Its recommendation ID matches the other fields, unless `fields` contains an ID."""
    row_values: dict[str, Any] = {
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
        answered_ms=row_values["served_ms"],
        recommender=row_values["recommender"],
        version=row_values["model_version"],
        arms=row_values["arms"],
    )
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row_values.items()
    }
    return ServedResponse(recommendation_id=made, **values)


def stored(row: ServedResponse) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads(orjson.dumps(row))
    return values
