"""Distributions of the dataset's last days, as the reference for drift checks."""

from __future__ import annotations

from typing import Any

import orjson
import pandas as pd

from alsolike.training.drift import DAY_MS, WINDOW_DAYS
from alsolike.training.reference import MOST_LOOKED_AT, ItemCount, Reference, category_column, ranked, reference_of


def reference(
    frame: pd.DataFrame, items: pd.DataFrame, *, minimum_user_interactions: int, history_length: int
) -> Reference:
    """Return the reference of a dataset.

    Parameters
    ----------
    frame
        `INTERACTION_COLUMNS` and event_type, all rows.
    items
        `ITEM_COLUMNS`, of the whole catalogue.
    """
    recent = frame[frame["event_time_ms"] > int(frame["event_time_ms"].max()) - WINDOW_DAYS * DAY_MS]
    days = _often(recent["event_time_ms"] // DAY_MS)
    activity = recent["profile_id"].value_counts()
    activity = activity[activity >= minimum_user_interactions]
    recent = recent[recent["profile_id"].isin(activity.index)]
    lengths = frame.loc[frame["profile_id"].isin(activity.index), "profile_id"].value_counts()
    of_items = ranked(_item_counts(frame, recent))
    column, values = _categories(of_items, items)
    return reference_of(
        of_items,
        activity=_often(activity),
        lengths=_often(lengths),
        history_length=history_length,
        column=column,
        values=values,
        event_types=_often_by_name(recent["event_type"]),
        days=days,
    )


def _item_counts(frame: pd.DataFrame, recent: pd.DataFrame) -> list[ItemCount]:
    every, late = (_often_by_name(rows["item_id"]) for rows in (frame, recent))
    return [ItemCount(item_id, often, late.get(item_id, 0)) for item_id, often in every.items()]


def _often_by_name(names: pd.Series[str]) -> dict[str, int]:
    return {str(name): int(often) for name, often in names.value_counts().items()}


def _often(numbers: pd.Series[int]) -> dict[int, int]:
    often = numbers.astype("int64").value_counts()
    return dict(zip(often.index.tolist(), often.tolist(), strict=True))


def _categories(of_items: list[ItemCount], items: pd.DataFrame) -> tuple[str | None, dict[str, Any]]:
    """Return the column with the category of the dataset's items, and its value per item."""
    documents = dict(zip(items["item_id"], items["properties"], strict=True))
    known = [item.item_id for item in of_items if item.item_id in documents]
    column = category_column([orjson.loads(documents[item_id]) for item_id in known[:MOST_LOOKED_AT]])
    if column is None:
        return None, {}
    return column, {item_id: orjson.loads(documents[item_id]).get(column) for item_id in known}
