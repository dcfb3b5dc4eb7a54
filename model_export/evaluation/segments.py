"""Metrics of a model by segment of users and of target items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.training.drift_reference import category_column, category_of
from model_export.api import Model
from model_export.evaluation.ranking import Hits, Seen, open_targets, scored
from model_export.evaluation.splits import Part, Queries

SHORT = 5
"""Maximum number of interactions of a short history."""

FREQUENT_SHARE = 0.2
"""Share of the most frequent items. The other items with interactions are the tail."""

MAX_CATEGORIES = 10
Groups = Mapping[str, npt.NDArray[np.bool_]]


def sliced(
    model: Model, part: Part, *, k: int, seen: Seen, categories: Sequence[str | None]
) -> dict[str, dict[str, float]]:
    """Return the NDCG@k and the number of users of each segment that has users.

    Segments of users depend on the length of the history: one interaction, short, and longer. Segments of targets
    evaluate only some targets: tail items, items without earlier interactions, and items of the categories with the
    most targets.

    Parameters
    ----------
    categories
        Category of each item at positions 1..N of `part`, or None.
    """
    queries = part.queries
    users, targets = user_segments(queries), target_segments(part, categories)
    found = {name: Hits(k) for name in (*users, *targets)}
    for start, scores in scored(model, queries):
        for query, item_scores in enumerate(scores, start):
            wanted = open_targets(item_scores, queries, query, seen)
            for name, is_member in users.items():
                if is_member[query]:
                    found[name].add(item_scores, wanted)
            for name, is_member in targets.items():
                found[name].add(item_scores, wanted[is_member[wanted]])
    gains = {name: hits.gains() for name, hits in found.items()}
    return {name: {"ndcg": float(each.mean()), "users": len(each)} for name, each in gains.items() if len(each)}


def user_segments(queries: Queries) -> Groups:
    """Return a mask of the queries by segment of users, bool `(len(queries),)`."""
    lengths = queries.ends - queries.starts
    return {
        "users with one interaction": lengths == 1,
        f"users with 2 to {SHORT} interactions": (lengths > 1) & (lengths <= SHORT),
        "users with more interactions": lengths > SHORT,
    }


def categories(properties: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return the category of each item, or None if it has none; see `alsolike.training.drift_reference`."""
    column = category_column(properties)
    return [None if column is None else category_of(columns.get(column)) for columns in properties]


def target_segments(part: Part, categories: Sequence[str | None]) -> Groups:
    """Return a mask of the items by segment of targets, bool `(items + 1,)`."""
    counts = part.fit.frequencies()
    tail = np.ones(len(counts), np.bool_)
    tail[part.fit.frequency_order()[: int(FREQUENT_SHARE * part.fit.items)]] = False
    groups = {"tail items": tail & (counts > 0), "items without interactions": counts == 0}
    names = np.array(["", *(name or "" for name in categories)])
    target_names = names[part.queries.targets]
    found, often = np.unique(target_names[target_names != ""], return_counts=True)
    for name in found[np.argsort(-often, kind="stable")[:MAX_CATEGORIES]]:
        groups[f"category {name}"] = names == name
    return groups
