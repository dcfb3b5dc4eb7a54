"""Distances of the window from the last days of the champion's dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from alsolike.snapshot.snapshot import Snapshot
from alsolike.training.drift import Histogram, psi, psi_by_chance
from alsolike.training.monitoring import Drift, Figure
from alsolike.training.reference import Categories, category_of
from functions.monitor_models.baseline import Baseline

LEAST = 200
"""Minimum of interactions, users or answers at both times for a figure. With fewer, chance looks like drift."""

Bins = tuple[Sequence[int], Sequence[int]]
"""Counts of the reference, and current counts."""


def known_to(baseline: Baseline, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the interactions with items that the champion knows, and the rank of each."""
    items = counted["item_id"].astype(object)
    codes, names = pd.factorize(items)
    ranks = baseline.ranks_of(map(str, names))[codes] if len(items) else np.zeros(0, np.int64)
    return counted.assign(rank=ranks)[ranks > 0]


def of_active(known: pd.DataFrame, *, minimum_user_interactions: int) -> tuple[pd.DataFrame, pd.Series[int]]:
    """Return the interactions of users who have enough of them, and their number per user."""
    activity = known["profile_id"].value_counts()
    activity = activity[activity >= minimum_user_interactions]
    return known[known["profile_id"].isin(activity.index)], activity


def figure(name: Drift, bins: Bins | None, *, reason: str | None = None) -> Figure:
    """Return the index of two histograms, or the reason for its absence."""
    if bins is None:
        return Figure(name, reason=reason)
    reference, current = bins
    then, now = sum(reference), sum(current)
    if min(then, now) < LEAST:
        return Figure(
            name, reference=then, current=now, reason=f"{then:,} before and {now:,} now, expected {LEAST} of both"
        )
    return Figure(name, round(psi(reference, current), 6), round(psi_by_chance(reference, current), 6), then, now)


def item_popularity(reference: Histogram, active: pd.DataFrame) -> Bins:
    """Count interactions by the rank of their item."""
    return reference.counts, _counted(reference, active["rank"])


def user_activity(reference: Histogram, activity: pd.Series[int]) -> Bins:
    """Count users by their interactions."""
    return reference.counts, _counted(reference, activity)


def history_length(reference: Histogram, lengths: Mapping[int, int]) -> Bins:
    """Count users by the length of their history."""
    return reference.counts, Histogram.of(lengths, edges=reference.edges).counts


def category_popularity(reference: Categories, active: pd.DataFrame, catalogue: Snapshot) -> Bins:
    """Count interactions by the category of their item, as the catalogue has it now."""
    often = active["item_id"].astype(object).value_counts()
    names: Counter[str | None] = Counter()
    for row, count in zip(catalogue.rows([str(name) for name in often.index]).tolist(), often.tolist(), strict=True):
        names[category_of(catalogue.properties(row).get(reference.column)) if row >= 0 else None] += int(count)
    return reference.counts, reference.count(names)


def top_score(reference: Histogram, scores: pd.Series[float]) -> Bins:
    """Count shoppers by the best score of their latest answer."""
    return reference.counts, _counted(reference, scores)


def _counted(reference: Histogram, numbers: pd.Series[int] | pd.Series[float]) -> Sequence[int]:
    often = numbers.astype("float64").value_counts()
    return Histogram.of(dict(zip(often.index.tolist(), often.tolist(), strict=True)), edges=reference.edges).counts
