"""The table of a batch's recommendations: one row an item, in the order of the users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from alsolike.declarations.storage import BATCH_PREFIX

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "user_id": "string",
        "rank": "int32",
        "item_id": "string",
        "score": "double",
        "source": "string",
        "model_version": "string",
        "recommender": "string",
    }
)
"""Names with pyarrow's names of their types; none is ever null."""

POPULAR = "popular"


def columns_of(result: Mapping[str, Any], *, recommender: str) -> tuple[Sequence[Any], ...]:
    """Return the columns of one user's rows, from a result of `recommend`'s batch.

    Popular items that fill an answer up are said to be from there.
    """
    items = result["itemList"]
    count = len(items)
    filled = result.get("filled", 0)
    return (
        [result["userId"]] * count,
        range(1, count + 1),
        [item["itemId"] for item in items],
        [item["score"] for item in items],
        [result["source"]] * (count - filled) + [POPULAR] * filled,
        [result["modelVersion"]] * count,
        [recommender] * count,
    )


def users_key(run: str, batch: str = "") -> str:
    """Return the key of a run's users in one of its batches, or in all of them."""
    return f"{BATCH_PREFIX}{run}/users/{batch and f'{batch}.json'}"


def answers_prefix(run: str, batch: str) -> str:
    """Return the prefix of one batch's answers before they become rows: `<first user's place>.jsonl`."""
    return f"{BATCH_PREFIX}{run}/answers/{batch}/"


def part_key(run: str, batch: str = "") -> str:
    """Return the key of a run's rows for one of its batches, or for all of them."""
    return f"{BATCH_PREFIX}{run}/recommendations/{batch and f'part-{batch}.parquet'}"


def failed_key(run: str, batch: str = "") -> str:
    """Return the key of a run's users without an answer in one batch, or in all of them."""
    return f"{BATCH_PREFIX}{run}/failed/{batch and f'{batch}.jsonl'}"


def errors_prefix(run: str) -> str:
    """Return the prefix of the reasons for a run's failed batches."""
    return f"{BATCH_PREFIX}{run}/errors/"
