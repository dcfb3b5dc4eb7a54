"""Table of batch recommendations with one row per recommended item, in the order of the users."""

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
"""pyarrow type of each column. Columns have no nulls."""

POPULAR = "popular"


def columns_of(result: Mapping[str, Any], *, recommender: str) -> tuple[Sequence[Any], ...]:
    """Return the rows of one user as columns, from the user's result in a batch response of `recommend`.

    Items that fill up a short response have the source `POPULAR`.
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
    """Return the key of the users of one batch, or with an empty `batch`, the common prefix of all batches of a run."""
    return f"{BATCH_PREFIX}{run}/users/{batch and f'{batch}.json'}"


def answers_prefix(run: str, batch: str) -> str:
    """Return the key prefix of a batch's intermediate responses, which are named `<index of the first user>.jsonl`."""
    return f"{BATCH_PREFIX}{run}/answers/{batch}/"


def part_key(run: str, batch: str = "") -> str:
    return f"{BATCH_PREFIX}{run}/recommendations/{batch and f'part-{batch}.parquet'}"


def failed_key(run: str, batch: str = "") -> str:
    return f"{BATCH_PREFIX}{run}/failed/{batch and f'{batch}.jsonl'}"


def errors_prefix(run: str) -> str:
    return f"{BATCH_PREFIX}{run}/errors/"
