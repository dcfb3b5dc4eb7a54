"""Distances of the window from the last days of the champion's dataset."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from alsolike.snapshot.snapshot import Snapshot
from alsolike.training.drift import DAY_MS, Design, Histogram, psi, psi_by_chance
from alsolike.training.monitoring import DataCheck, Drift, Figure
from alsolike.training.reference import Categories, category_of, weekdays_of
from functions.monitor_models.baseline import Baseline

LEAST = 200
"""Minimum of interactions, users or answers at both times for a figure. With fewer, chance looks like drift."""

LEAST_USERS = 30
"""Minimum of current users for a figure of interactions: of fewer, their dependence cannot be estimated."""

MOST_FALL, MOST_GROWTH = 0.5, 2 / 3
"""Falls to half of the reference, and growth to three times of it, are still no fault."""

MISSING_FROM = 10
"""Interactions on a day of the week in the reference, from which a day without any is missing."""

_CERTAIN_Z = 4.0

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Bins:
    """Counts of the reference, and current counts.

    Attributes
    ----------
    design
        Dependence of the current counts; None if each count is another user's.
    users
        Current users of dependent counts.
    """

    reference: Sequence[int]
    current: Sequence[int]
    design: Design | None = None
    users: int | None = None


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


def figure(name: Drift, bins: Bins | None, *, psi_threshold: float, reason: str | None = None) -> Figure:
    """Return the index of two histograms, or the reason for its absence."""
    if bins is None:
        return Figure(name, reason=reason)
    then, now = sum(bins.reference), sum(bins.current)
    lack = None
    if min(then, now) < LEAST:
        lack = f"{then:,} before and {now:,} now, expected {LEAST} of both"
    elif bins.users is not None and bins.users < LEAST_USERS:
        lack = f"{bins.users} users now, expected {LEAST_USERS}"
    if lack is not None:
        return Figure(name, reference=then, current=now, reason=lack)
    chance = psi_by_chance(bins.reference, bins.current, design=bins.design)
    return Figure(
        name,
        round(psi(bins.reference, bins.current), 6),
        round(chance.mean, 6),
        then,
        now,
        round(max(psi_threshold + chance.mean, chance.highest), 6),
    )


def item_popularity(reference: Histogram, active: pd.DataFrame) -> Bins:
    """Count interactions by the rank of their item."""
    places = np.searchsorted(reference.edges, active["rank"].to_numpy(np.float64)).astype(np.int64)
    return _of_interactions(reference.counts, places, active)


def user_activity(reference: Histogram, activity: pd.Series[int]) -> Bins:
    """Count users by their interactions."""
    return Bins(reference.counts, _counted(reference, activity))


def history_length(reference: Histogram, lengths: Mapping[int, int]) -> Bins:
    """Count users by the length of their history."""
    return Bins(reference.counts, Histogram.of(lengths, edges=reference.edges).counts)


def category_popularity(reference: Categories, active: pd.DataFrame, catalogue: Snapshot) -> Bins:
    """Count interactions by the category of their item, as the catalogue has it now."""
    codes, names = pd.factorize(active["item_id"].astype(object))
    rows = catalogue.rows([str(name) for name in names]).tolist()
    of_item = [category_of(catalogue.properties(row).get(reference.column)) if row >= 0 else None for row in rows]
    places = np.array([reference.place(name) for name in of_item], np.int64)
    return _of_interactions(reference.counts, places[codes], active)


def event_types(reference: Mapping[str, int], active: pd.DataFrame) -> Bins:
    """Count interactions by type; types that the reference lacks share a bin."""
    place = {name: index for index, name in enumerate(reference)}
    places = active["type"].map(place).fillna(len(place)).to_numpy().astype(np.int64)
    return _of_interactions((*reference.values(), 0), places, active)


def top_score(reference: Histogram, scores: pd.Series[float]) -> Bins:
    """Count shoppers by the best score of their latest answer."""
    return Bins(reference.counts, _counted(reference, scores))


def volume(reference: Sequence[int], counted: pd.DataFrame, *, one_of: int) -> tuple[DataCheck, ...]:
    """Return the checks of the week's interactions: a fall, a growth, and days of the week without any.

    A bound is at least what chance hardly reaches, by the spread of the days around the rhythm of the reference.

    Parameters
    ----------
    reference
        Interactions by day of the week.
    one_of
        One in this number of users was sampled.
    """
    days = (counted["event_time_ms"].astype("int64") // DAY_MS).value_counts()
    current = [one_of * number for number in weekdays_of(dict(zip(days.index.tolist(), days.tolist(), strict=True)))]
    then, now = sum(reference), sum(current)
    due = [day for day, number in enumerate(reference) if number >= MISSING_FROM]
    missing = sum(current[day] == 0 for day in due) / len(due) if due else None
    fall = growth = None
    by_chance = 0.0
    if then >= LEAST:
        fall, growth = max(1 - now / then, 0.0), max(1 - then / now, 0.0) if now else 0.0
        error = math.sqrt(_dispersion(reference, current) * (1 / then + 1 / max(now, 1)))
        by_chance = round(1 - math.exp(-_CERTAIN_Z * error), 6)
    return (
        DataCheck("volume_fallen", fall, max(MOST_FALL, by_chance), now),
        DataCheck("volume_grown", growth, max(MOST_GROWTH, by_chance), now),
        DataCheck("days_missing", missing, 0.0, len(due)),
    )


def _dispersion(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the variance of a day's interactions relative to a Poisson process of the same rhythm, at least 1."""
    ratio = sum(current) / sum(reference)
    days = [(then, now) for then, now in zip(reference, current, strict=True) if then]
    if not ratio or len(days) < 2:
        return 1.0
    apart = math.fsum((now - ratio * then) ** 2 / (ratio * then * (1 + ratio)) for then, now in days)
    return max(1.0, apart / (len(days) - 1))


def _of_interactions(reference: Sequence[int], places: Ints, active: pd.DataFrame) -> Bins:
    users = pd.factorize(active["profile_id"])[0].astype(np.int64)
    count = int(users.max()) + 1 if len(users) else 0
    by_user = np.bincount(users * len(reference) + places, minlength=count * len(reference))
    by_user = by_user.reshape(count, len(reference))
    return Bins(reference, by_user.sum(axis=0).tolist(), design_of(by_user), count)


def design_of(by_user: Ints) -> Design | None:
    """Return the dependence of counts by user, `(users, bins)`; None with fewer than two users or bins.

    With p the shares of the bins and z a user's counts less p times their sum, the matrix is
    ``sum z z^T / (n sqrt(p p^T))``. No eigenvalue is assumed to be below that of independent counts.
    """
    by_user = by_user[:, by_user.any(axis=0)].astype(np.float64)
    users, bins = by_user.shape
    if min(users, bins) < 2:
        return None
    total = by_user.sum()
    shares = by_user.sum(axis=0) / total
    apart = (by_user - shares * by_user.sum(axis=1, keepdims=True)) / np.sqrt(shares * total)
    matrix = apart.T @ apart * (users / (users - 1))
    return Design(max(float(np.trace(matrix)), bins - 1.0), max(float((matrix**2).sum()), bins - 1.0))


def _counted(reference: Histogram, numbers: pd.Series[int] | pd.Series[float]) -> Sequence[int]:
    often = numbers.astype("float64").value_counts()
    return Histogram.of(dict(zip(often.index.tolist(), often.tolist(), strict=True)), edges=reference.edges).counts
