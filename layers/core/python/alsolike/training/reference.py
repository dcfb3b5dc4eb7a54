"""The reference of a dataset: distributions of its last days, for comparison with later days."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from alsolike.training.drift import WINDOW_DAYS, Histogram

FEWEST_SHARE = 0.5
"""Minimum share of items with a value in their category column."""


def category_of(value: Any) -> str | None:
    """Return the category in a column's value: the first of several; None if it has none."""
    return value.split("|")[0] or None if isinstance(value, str) else None


def category_column(properties: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the text column that most resembles a category; None if none does.

    A candidate has values for at least half of the items, and on average at least ten items per value. A column with
    `category` in its name comes first, then the one with the fewest values above one.
    """
    possible = []
    for column in sorted({name for columns in properties for name in columns}):
        present = [value for columns in properties if (value := category_of(columns.get(column))) is not None]
        distinct = len(set(present))
        if len(present) >= FEWEST_SHARE * len(properties) and 1 < distinct <= len(present) / 10:
            possible.append(("category" not in column.lower(), distinct, column))
    return min(possible)[2] if possible else None


POPULARITY_BINS = 10
ACTIVITY_EDGES = (1, 2, 3, 4, 6, 9, 14, 22, 40)
"""Interactions of a user in the window."""

LENGTH_EDGES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 99, 200, 400)
"""Interactions of a user that a model receives; edges above half of the model's maximum are dropped."""

MOST_CATEGORIES = 20
MOST_LOOKED_AT = 10_000
"""Number of items, the most frequent ones, whose columns are searched for the category."""


class ItemCount(NamedTuple):
    """An item's interactions in the dataset, and in its last days."""

    item_id: str
    interactions: int
    recent: int


@dataclasses.dataclass(frozen=True, slots=True)
class Categories:
    """Interactions by the items' categories.

    Attributes
    ----------
    column
        The items' category column.
    names
        The most frequent ones.
    counts
        Interactions of each of them, then of all other categories, then of items without any.
    """

    column: str
    names: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.names) + 2:
            raise ValueError(f"counts of categories are {len(self.counts)} numbers, expected {len(self.names) + 2}")

    def place(self, name: str | None) -> int:
        """Return the bin of a category; None stands for items without any."""
        if name is None:
            return len(self.names) + 1
        return self.names.index(name) if name in self.names else len(self.names)

    def count(self, interactions: Mapping[str | None, int]) -> tuple[int, ...]:
        """Return interactions by category in the same bins."""
        counts = [0] * (len(self.names) + 2)
        for name, often in interactions.items():
            counts[self.place(name)] += often
        return tuple(counts)


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """The compared distributions, see the module.

    Attributes
    ----------
    window_days
        Number of days, up to the dataset's last interaction.
    item_popularity
        Interactions by the item's rank: edges are ranks among the items of the whole dataset, by descending frequency,
        then by id. They divide the interactions into tenths.
    category_popularity
        None if no column resembles a category.
    user_activity
        Users by their interactions in these days.
    history_length
        The same users by all of their interactions that a model receives.
    event_types
        Interactions of these users in the last days by event type; None in datasets of earlier versions.
    weekdays
        Interactions of all users in the last days by day of the week, from Thursday on, in UTC; None as well.
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
        """Return the reference in a JSON document.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it has another form.
        """
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
    """Return the sums by day of the week of numbers by day since the epoch, which was a Thursday."""
    counts = [0] * 7
    for day, number in days.items():
        counts[day % 7] += number
    return tuple(counts)


def ranked(items: Iterable[ItemCount]) -> list[ItemCount]:
    """Return items by rank: the order of a served model's positions."""
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
    """Return the reference for given counts.

    Parameters
    ----------
    items
        The result of `ranked`.
    activity, lengths
        Numbers of users by number of interactions: in the last days, and in total.
    history_length
        Maximum number of a user's latest interactions that a model receives. Users with half of it or more share one
        bin, because a full profile contains interactions that do not count.
    column, values
        The category column, if any, and its value by item id.
    event_types
        Interactions of the last days by event type.
    days
        Interactions of the last days by day since the epoch.
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
    bins = Categories(column, tuple(names[:MOST_CATEGORIES]), (0,) * (min(len(names), MOST_CATEGORIES) + 2))
    return dataclasses.replace(bins, counts=bins.count(interactions))
