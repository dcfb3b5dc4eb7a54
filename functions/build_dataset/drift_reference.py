"""Distributions of a dataset, mostly over its last days, as the reference for drift checks."""

from __future__ import annotations

from typing import Any

import orjson
import pandas as pd

from alsolike.declarations.times import DAY_MS
from alsolike.training.drift_reference import (
    MAX_EXAMINED_ITEMS,
    ItemCount,
    Reference,
    category_column,
    ranked,
    reference_of,
)
from alsolike.training.stability_index import WINDOW_DAYS


def reference(
    frame: pd.DataFrame, items: pd.DataFrame, *, minimum_user_interactions: int, history_length: int
) -> Reference:
    recent = frame[frame["event_time_ms"] > int(frame["event_time_ms"].max()) - WINDOW_DAYS * DAY_MS]
    days = _frequencies(recent["event_time_ms"] // DAY_MS)
    activity = recent["profile_id"].value_counts()
    activity = activity[activity >= minimum_user_interactions]
    recent = recent[recent["profile_id"].isin(activity.index)]
    lengths = frame.loc[frame["profile_id"].isin(activity.index), "profile_id"].value_counts()
    item_counts = ranked(_item_counts(frame, recent))
    column, values = _categories(item_counts, items)
    return reference_of(
        item_counts,
        activity=_frequencies(activity),
        lengths=_frequencies(lengths),
        history_length=history_length,
        column=column,
        values=values,
        event_types=_counts_by_name(recent["event_type"]),
        days=days,
    )


def _item_counts(frame: pd.DataFrame, recent: pd.DataFrame) -> list[ItemCount]:
    counts, late = (_counts_by_name(rows["item_id"]) for rows in (frame, recent))
    return [ItemCount(item_id, count, late.get(item_id, 0)) for item_id, count in counts.items()]


def _counts_by_name(names: pd.Series[str]) -> dict[str, int]:
    return {str(name): int(count) for name, count in names.value_counts().items()}


def _frequencies(numbers: pd.Series[int]) -> dict[int, int]:
    counts = numbers.astype("int64").value_counts()
    return dict(zip(counts.index.tolist(), counts.tolist(), strict=True))


def _categories(item_counts: list[ItemCount], items: pd.DataFrame) -> tuple[str | None, dict[str, Any]]:
    """Return the catalogue's category column and its values by item ID, or None and {} without a category column."""
    documents = dict(zip(items["item_id"], items["properties"], strict=True))
    known = [item.item_id for item in item_counts if item.item_id in documents]
    column = category_column([orjson.loads(documents[item_id]) for item_id in known[:MAX_EXAMINED_ITEMS]])
    if column is None:
        return None, {}
    return column, {item_id: orjson.loads(documents[item_id]).get(column) for item_id in known}
