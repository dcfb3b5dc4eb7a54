"""Reference of a dataset: distributions, mostly over its last `WINDOW_DAYS`, with which later days are compared."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from alsolike.training.stability_index import WINDOW_DAYS, Histogram

MIN_FILLED_SHARE = 0.5
"""Minimum share of items with a value in the category column."""


def category_of(value: Any) -> str | None:
    """Return the first category in a text such as `a|b`, or None if it is empty or the value is not a text."""
    return value.split("|")[0] or None if isinstance(value, str) else None


def category_column(properties: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column of categories, selected by a heuristic, or None if no column is suitable.

    A suitable column has texts for at least `MIN_FILLED_SHARE` of the items, at least two distinct values, and on
    average at least ten items per value. Columns with `category` in the name have priority, then columns with few
    distinct values.
    """
    possible = []
    for column in sorted({name for columns in properties for name in columns}):
        present = [value for columns in properties if (value := category_of(columns.get(column))) is not None]
        distinct = len(set(present))
        if len(present) >= MIN_FILLED_SHARE * len(properties) and 1 < distinct <= len(present) / 10:
            possible.append(("category" not in column.lower(), distinct, column))
    return min(possible)[2] if possible else None


POPULARITY_BINS = 10
ACTIVITY_EDGES = (1, 2, 3, 4, 6, 9, 14, 22, 40)
"""Bin edges of the histogram of users by number of interactions in the window."""

LENGTH_EDGES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 99, 200, 400)
"""Bin edges of the histogram of users by number of interactions in a model's input. Edges above half of the history's
maximum length are omitted."""

MAX_CATEGORIES = 20
MAX_EXAMINED_ITEMS = 10_000
"""Maximum number of the most frequent items that `category_column` examines."""


class ItemCount(NamedTuple):
    """Number of an item's interactions in the dataset, and in the window."""

    item_id: str
    interactions: int
    recent: int


@dataclasses.dataclass(frozen=True, slots=True)
class Categories:
    """Number of interactions by category of the item.

    Attributes
    ----------
    names
        Most frequent categories, at most `MAX_CATEGORIES`.
    counts
        Number of interactions for each of `names`, for all other categories, and for items without a category.
    """

    column: str
    names: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.names) + 2:
            raise ValueError(f"counts of categories are {len(self.counts)} numbers, expected {len(self.names) + 2}")

    def place(self, name: str | None) -> int:
        """Return the index of a category in `counts`. None stands for items without a category."""
        if name is None:
            return len(self.names) + 1
        return self.names.index(name) if name in self.names else len(self.names)

    def count(self, interactions: Mapping[str | None, int]) -> tuple[int, ...]:
        counts = [0] * (len(self.names) + 2)
        for name, often in interactions.items():
            counts[self.place(name)] += often
        return tuple(counts)


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """Distributions of a dataset, mostly over the window, which is its last days.

    Only users with at least the dataset's minimum of interactions in the window count, except in `weekdays`.

    Attributes
    ----------
    window_days
        Length of the window, which ends at the dataset's last interaction.
    item_popularity
        Numbers of interactions by rank of the item. Ranks are by descending frequency in the complete dataset, then by
        ID. The edges divide the window's interactions into at most `POPULARITY_BINS` bins of about equal counts.
    category_popularity
        Numbers of interactions by category; None if there is no category column.
    user_activity
        Numbers of users by number of interactions in the window.
    history_length
        Numbers of the counted users by number of interactions in a model's input.
    event_types
        Numbers of the counted users' interactions in the window by event type; None in datasets of earlier versions.
    weekdays
        Numbers of all users' interactions in the window by day of the week (UTC), from Thursday; None in datasets of
        earlier versions.
    """

    window_days: int
    item_popularity: Histogram
    category_popularity: Categories | None
    user_activity: Histogram
    history_length: Histogram
    event_types: Mapping[str, int] | None = None
    weekdays: tuple[int, ...] | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        categories = document["category_popularity"]
        return cls(
            window_days=int(document["window_days"]),
            item_popularity=Histogram.from_document(document["item_popularity"]),
            category_popularity=categories
            and Categories(categories["column"], tuple(categories["names"]), tuple(map(int, categories["counts"]))),
            user_activity=Histogram.from_document(document["user_activity"]),
            history_length=Histogram.from_document(document["history_length"]),
            event_types=document.get("event_types"),
            weekdays=tuple(days) if (days := document.get("weekdays")) else None,
        )


def weekdays_of(days: Mapping[int, int]) -> tuple[int, ...]:
    """Return the sums by day of the week.

    `days` are days since 1970-01-01, a Thursday, so the result starts with Thursday.
    """
    counts = [0] * 7
    for day, number in days.items():
        counts[day % 7] += number
    return tuple(counts)


def ranked(items: Iterable[ItemCount]) -> list[ItemCount]:
    return sorted(items, key=lambda item: (-item.interactions, item.item_id))


def reference_of(
    items: list[ItemCount],
    *,
    activity: Mapping[int, int],
    lengths: Mapping[int, int],
    history_length: int,
    column: str | None,
    values: Mapping[str, Any],
    event_types: Mapping[str, int],
    days: Mapping[int, int],
) -> Reference:
    """Return the reference from counts.

    Parameters
    ----------
    items
        Result of `ranked`.
    activity, lengths
        Numbers of users by number of interactions in the window, and by number of all interactions.
    history_length
        Maximum number of a user's latest interactions in a model's input. Users with at least half of this number share
        one bin, because a full profile also contains interactions that are not counted.
    column, values
        Category column, and its value by item ID. None and empty without a category column.
    days
        Numbers of interactions in the window by day since 1970-01-01.
    """
    by_category: Counter[str | None] = Counter()
    for item in items:
        if item.recent:
            by_category[category_of(values.get(item.item_id))] += item.recent
    return Reference(
        window_days=WINDOW_DAYS,
        item_popularity=_popularity(items),
        category_popularity=_categories(column, by_category) if column else None,
        user_activity=Histogram.of(activity, edges=ACTIVITY_EDGES),
        history_length=Histogram.of(lengths, edges=[edge for edge in LENGTH_EDGES if edge <= history_length / 2]),
        event_types=dict(sorted(event_types.items())),
        weekdays=weekdays_of(days),
    )


def _popularity(items: list[ItemCount]) -> Histogram:
    total = sum(item.recent for item in items)
    edges: list[int] = []
    counts: list[int] = []
    reached, target = 0, 1
    for rank, item in enumerate(items, start=1):
        reached += item.recent
        if item.recent and reached * POPULARITY_BINS >= target * total and reached < total:
            edges.append(rank)
            counts.append(reached - sum(counts))
            target = reached * POPULARITY_BINS // total + 1
    return Histogram(tuple(edges), (*counts, total - sum(counts)))


def _categories(column: str, interactions: Counter[str | None]) -> Categories:
    names = sorted((name for name in interactions if name is not None), key=lambda name: (-interactions[name], name))
    bins = Categories(column, tuple(names[:MAX_CATEGORIES]), (0,) * (min(len(names), MAX_CATEGORIES) + 2))
    return dataclasses.replace(bins, counts=bins.count(interactions))
