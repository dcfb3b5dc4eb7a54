"""Drift checks of shops with and without drift, every four hours for 14 days.

`make slow WHAT=statistics ARGS="-s -k drift"` prints the tables of docs/drift.md.
"""

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.training.monitoring import Drift
from functions.monitor_models import drift_metrics
from tests.builders.simulated_weeks import Shares, Weeks

RUNS, LOOKS, HELD, THRESHOLD = 200, 14 * 6 + 1, 7, 0.25
WEEK_MS = 7 * DAY_MS


def figure_of(then, now):
    reference = {str(name): int(count) for name, count in then["type"].value_counts().items()}
    bins = drift_metrics.event_types(reference, now)
    return drift_metrics.figure(Drift.EVENT_TYPES, bins, psi_threshold=THRESHOLD)


def alarms(weeks, run):
    """Return two booleans, true after 24 hours above a threshold: the figure's own threshold, and `THRESHOLD`."""
    draws = np.random.default_rng([47, run])
    then, later = weeks.drawn(draws, days=7), weeks.drawn(draws, days=21)
    times = later["event_time_ms"].to_numpy()
    above, above_fixed = [], []
    for look in range(LOOKS):
        until_ms = WEEK_MS + look * DAY_MS // 6
        first, last = np.searchsorted(times, [until_ms - WEEK_MS, until_ms], side="right")
        figure = figure_of(then, later.iloc[first:last])
        above.append(figure.is_above)
        above_fixed.append((figure.value or 0) > THRESHOLD)
    return _held(above), _held(above_fixed)


def _held(above):
    return any(all(above[first : first + HELD]) for first in range(len(above) - HELD + 1))


@pytest.mark.parametrize("weeks", [
    Weeks(interactions=220),
    Weeks(interactions=220, types=10),
    Weeks(interactions=300),
    Weeks(interactions=300, per_user=6, taste=1),
    Weeks(interactions=1_000, per_user=6, taste=1),
    Weeks(interactions=2_000, per_user=20, taste=0.5),
])  # fmt: skip
def test_drift_without_a_change_raises_no_alarm(weeks):
    found = np.mean([alarms(weeks, run) for run in range(RUNS)], axis=0).tolist()

    print(
        f"\n| {weeks.interactions:,} | {weeks.per_user:g} | {weeks.types} | {found[0]:.1%} | {found[1]:.1%} |", end=""
    )
    assert found[0] <= 0.01


def shifted(shares, true_psi):
    """Return the shares after a shift from every other type to the neighbouring type.

    The shift has the PSI `true_psi`.
    """
    tilt = np.where(np.arange(len(shares)) % 2, 1.0, -1.0)
    for strength in np.linspace(0, 3, 3_001):
        moved: Shares = shares * np.exp(strength * tilt)
        moved /= moved.sum()
        if ((moved - shares) * np.log(moved / shares)).sum() >= true_psi:
            return moved
    raise AssertionError(f"no shift has an index of {true_psi}")


@pytest.mark.parametrize("true_psi", [0.164, 0.4, 0.8])
def test_drift_is_found_more_often_with_more_data(true_psi):
    shares = []
    for interactions in (250, 1_000, 5_000):
        weeks, above = Weeks(interactions=interactions), []
        for run in range(RUNS):
            draws = np.random.default_rng([48, run])
            then = weeks.drawn(draws, days=7)
            now = weeks.drawn(draws, days=7, shares=shifted(weeks.shares, true_psi))
            figure = figure_of(then, now)
            above.append((figure.is_above, (figure.value or 0) > THRESHOLD))
        shares.append(np.mean(above, axis=0).tolist())
    printed = " | ".join(f"{found:.0%} ({fixed:.0%})" for found, fixed in shares)
    print(f"\n| {true_psi:g} | {printed} |", end="")

    found = [share for share, _ in shares]
    if true_psi > THRESHOLD:
        assert found == sorted(found)
        assert found[-1] == 1
    else:
        assert max(found) <= 0.05
