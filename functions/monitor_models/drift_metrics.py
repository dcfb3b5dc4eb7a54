"""Drift metrics, which are distances of the window from the champion's reference, and checks of the window's data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.snapshot import Snapshot
from alsolike.training.drift_reference import Categories, category_of, weekdays_of
from alsolike.training.monitoring import DataCheck, Drift, Figure
from alsolike.training.stability_index import Design, Histogram, psi, psi_by_chance
from functions.monitor_models.champion_reference import Baseline

MIN_COUNT = 200
"""Minimum number of interactions, users or responses for a metric, in each of the two periods.

With fewer, random variation looks like drift.
"""

MIN_USERS = 30
"""Minimum number of current users for a metric of interactions. With fewer, the dependence between interactions cannot
be estimated."""

MAX_FALL, MAX_GROWTH = 0.5, 2 / 3
"""Bounds of the fall, 1 - current / reference, and of the growth, 1 - reference / current. A fall to half of the
reference, or growth to three times the reference, is accepted."""

MISSING_FROM = 10
"""A day without interactions counts as missing if the reference has at least this number of interactions on its
weekday."""

_CERTAIN_Z = 4.0

BOUNDS = {
    "item_missing": 0.0,
    "event_type_unknown": 0.01,
    "value_missing": 0.1,
    "value_out_of_range": 0.0,
    "time_in_future": 0.0,
}
"""Maximum shares of faulty rows.

================== ============================================ ======================================================
check              checked rows                                 fault
================== ============================================ ======================================================
item_missing       events whose type requires an item           no item. The API rejects such events
event_type_unknown all events                                   undeclared event type. Models ignore such events
value_missing      purchases since the window's first purchase  no value
                   with a value
value_out_of_range events with a value                          infinite, NaN, or outside the API's range
time_in_future     all events                                   later than now by more than the tolerated clock skew
================== ============================================ ======================================================
"""

Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True)
class Bins:
    """Reference counts and current counts by bin.

    `design` is the dependence between the current counts; None for independent counts, and for fewer than two users or
    bins. `users` is the number of current users; None for independent counts.
    """

    reference: Sequence[int]
    current: Sequence[int]
    design: Design | None = None
    users: int | None = None


def known_to(baseline: Baseline, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the interactions with items that the champion contains, with the rank of each item."""
    items = counted["item_id"].astype(object)
    codes, names = pd.factorize(items)
    ranks = baseline.ranks_of(map(str, names))[codes] if len(items) else np.zeros(0, np.int64)
    return counted.assign(rank=ranks)[ranks > 0]


def active_users(known: pd.DataFrame, *, minimum_user_interactions: int) -> tuple[pd.DataFrame, pd.Series[int]]:
    """Return the interactions of users with enough interactions, and the number of interactions per user."""
    activity = known["profile_id"].value_counts()
    activity = activity[activity >= minimum_user_interactions]
    return known[known["profile_id"].isin(activity.index)], activity


def figure(name: Drift, bins: Bins | None, *, psi_threshold: float, reason: str | None = None) -> Figure:
    """Return the population stability index of two histograms, or the reason why it is missing."""
    if bins is None:
        return Figure(name, reason=reason)
    then, now = sum(bins.reference), sum(bins.current)
    lack = None
    if min(then, now) < MIN_COUNT:
        lack = f"{then:,} before and {now:,} now, expected {MIN_COUNT} of both"
    elif bins.users is not None and bins.users < MIN_USERS:
        lack = f"{bins.users} users now, expected {MIN_USERS}"
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
    places = np.searchsorted(reference.edges, active["rank"].to_numpy(np.float64)).astype(np.int64)
    return _interaction_bins(reference.counts, places, active)


def counted(reference: Histogram, frequencies: Mapping[Any, int]) -> Bins:
    """Return the bins of the reference and of the current users. `frequencies` has the number of users by value."""
    return Bins(reference.counts, Histogram.of(frequencies, edges=reference.edges).counts)


def category_popularity(reference: Categories, active: pd.DataFrame, catalogue: Snapshot) -> Bins:
    codes, names = pd.factorize(active["item_id"].astype(object))
    rows = catalogue.rows([str(name) for name in names]).tolist()
    item_categories = [
        category_of(catalogue.properties(row).get(reference.column)) if row >= 0 else None for row in rows
    ]
    places = np.array([reference.place(name) for name in item_categories], np.int64)
    return _interaction_bins(reference.counts, places[codes], active)


def event_types(reference: Mapping[str, int], active: pd.DataFrame) -> Bins:
    """Count interactions by event type. Types that the reference lacks share a bin."""
    place = {name: index for index, name in enumerate(reference)}
    places = active["type"].map(place).fillna(len(place)).to_numpy().astype(np.int64)
    return _interaction_bins((*reference.values(), 0), places, active)


def checks(events: pd.DataFrame, configuration: Configuration, *, now_ms: int) -> tuple[DataCheck, ...]:
    needs_item = [name for name, event in configuration.events.items() if event.item_required]
    with_item = events[events["type"].isin(needs_item)]
    purchases = events.loc[events["type"] == "purchase", ["event_time_ms", "event_value"]]
    first_ms = purchases.loc[purchases["event_value"].notna(), "event_time_ms"].min()
    with_values = purchases.loc[purchases["event_time_ms"] >= first_ms, "event_value"]
    values = events["event_value"].dropna()
    latest_ms = now_ms + configuration.limits.clock_skew_s * 1000
    wrong = {
        "item_missing": with_item["item_id"].isna(),
        "event_type_unknown": events["type"].isna(),
        "value_missing": with_values.isna(),
        "value_out_of_range": ~values.between(-MAX_EVENT_VALUE, MAX_EVENT_VALUE),
        "time_in_future": events["event_time_ms"] > latest_ms,
    }
    return tuple(
        DataCheck(name, float(wrong[name].mean()) if len(wrong[name]) else None, bound, len(wrong[name]))
        for name, bound in BOUNDS.items()
    )


def volume(reference: Sequence[int], counted: pd.DataFrame, *, one_of: int) -> tuple[DataCheck, ...]:
    """Return the checks of the week's interactions: a fall, growth, and missing weekdays.

    The bounds of a fall and of growth are at least the values that chance rarely exceeds, estimated from the spread of
    days around the weekly pattern. `reference` is by weekday. `one_of` is the inverse of the sampled share of users.
    """
    days = (counted["event_time_ms"].astype("int64") // DAY_MS).value_counts()
    current = [one_of * number for number in weekdays_of(dict(zip(days.index.tolist(), days.tolist(), strict=True)))]
    then, now = sum(reference), sum(current)
    due = [day for day, number in enumerate(reference) if number >= MISSING_FROM]
    missing = sum(current[day] == 0 for day in due) / len(due) if due else None
    fall = growth = None
    by_chance = 0.0
    if then >= MIN_COUNT:
        fall, growth = max(1 - now / then, 0.0), max(1 - then / now, 0.0) if now else 0.0
        error = math.sqrt(_dispersion(reference, current) * (1 / then + 1 / max(now, 1)))
        by_chance = round(1 - math.exp(-_CERTAIN_Z * error), 6)
    return (
        DataCheck("volume_fallen", fall, max(MAX_FALL, by_chance), now),
        DataCheck("volume_grown", growth, max(MAX_GROWTH, by_chance), now),
        DataCheck("days_missing", missing, 0.0, len(due)),
    )


def _dispersion(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the variance of daily interactions relative to a Poisson process with this weekly pattern, at least 1."""
    ratio = sum(current) / sum(reference)
    days = [(then, now) for then, now in zip(reference, current, strict=True) if then]
    if not ratio or len(days) < 2:
        return 1.0
    deviation = math.fsum((now - ratio * then) ** 2 / (ratio * then * (1 + ratio)) for then, now in days)
    return max(1.0, deviation / (len(days) - 1))


def _interaction_bins(reference: Sequence[int], places: Ints, active: pd.DataFrame) -> Bins:
    users = pd.factorize(active["profile_id"])[0].astype(np.int64)
    count = int(users.max()) + 1 if len(users) else 0
    by_user = np.bincount(users * len(reference) + places, minlength=count * len(reference))
    by_user = by_user.reshape(count, len(reference))
    return Bins(reference, by_user.sum(axis=0).tolist(), design_of(by_user), count)


def design_of(by_user: Ints) -> Design | None:
    """Return the dependence of counts by user, `(users, bins)`. None for fewer than two users or bins.

    Let p be the shares of the bins, n the sum of all counts, and z a user's counts minus p times their sum. The matrix
    is ``users / (users - 1) * sum z z^T / (n sqrt(p p^T))``. The returned trace and sum of squares are not lower than
    those of independent counts, `bins - 1`.
    """
    by_user = by_user[:, by_user.any(axis=0)].astype(np.float64)
    users, bins = by_user.shape
    if min(users, bins) < 2:
        return None
    total = by_user.sum()
    shares = by_user.sum(axis=0) / total
    deviation = (by_user - shares * by_user.sum(axis=1, keepdims=True)) / np.sqrt(shares * total)
    matrix = deviation.T @ deviation * (users / (users - 1))
    return Design(max(float(np.trace(matrix)), bins - 1.0), max(float((matrix**2).sum()), bins - 1.0))
