"""Checks of a week's interactions: their number, and weekdays without interactions."""

import numpy as np
import pandas as pd
import pytest

from alsolike.training.drift_reference import weekdays_of
from alsolike.training.stability_index import DAY_MS
from functions.monitor_models.drift_metrics import volume

STEADY = (100,) * 7


def checks(reference, current, *, one_of=1):
    """Return the checks of a week with these numbers of interactions per day, starting on a Thursday."""
    times = np.repeat(np.arange(7) * DAY_MS + 1, current)
    found = volume(reference, pd.DataFrame({"event_time_ms": times}), one_of=one_of)
    return {check.name: check for check in found}


def failed(reference, current, *, one_of=1):
    return [name for name, check in checks(reference, current, one_of=one_of).items() if check.failed]


@pytest.mark.parametrize(
    ("current", "names"),
    [
        (STEADY, []),
        ((60,) * 7, []),
        ((49,) * 7, ["volume_fallen"]),
        ((51,) * 7, []),
        ((250,) * 7, []),
        ((400,) * 7, ["volume_grown"]),
        ((0, 117, 117, 117, 117, 116, 116), ["days_missing"]),
        ((0,) * 7, ["volume_fallen", "days_missing"]),
    ],
)
def test_volume_check_fails_below_half_and_above_three_times_the_reference(current, names):
    assert failed(STEADY, current) == names


def test_volume_fall_is_a_share_of_the_reference():
    found = checks(STEADY, (40,) * 7)["volume_fallen"]

    assert found.share == pytest.approx(0.6)
    assert (found.bound, found.rows) == (0.5, 280)


def test_volume_bound_is_at_least_four_standard_errors():
    found = checks((30,) * 7, (2,) * 7)["volume_fallen"]

    assert found.bound == pytest.approx(1 - np.exp(-4 * np.sqrt(1 / 210 + 1 / 14)), abs=1e-6)


def test_weekly_rhythm_does_not_widen_the_volume_bound():
    weekend_shop = (10, 10, 10, 10, 10, 325, 325)

    assert failed(weekend_shop, (3, 3, 3, 3, 3, 97, 97)) == ["volume_fallen"]


def test_deviations_from_the_weekly_rhythm_widen_the_volume_bound():
    assert failed(STEADY, (1, 150, 2, 5, 1, 70, 12)) == []


def test_day_on_which_the_shop_is_closed_is_not_missing():
    closed_on_sundays = (100, 100, 100, 2, 100, 100, 100)

    assert failed(closed_on_sundays, (100, 100, 100, 0, 100, 100, 100)) == []


def test_sampled_users_are_scaled_to_all_users():
    assert failed(STEADY, (50,) * 7, one_of=2) == []


def test_too_few_interactions_are_not_compared():
    found = checks((28, 28, 28, 28, 28, 28, 31), (0,) * 7)

    assert (found["volume_fallen"].share, found["volume_grown"].share) == (None, None)


def test_weekday_counts_are_sums_of_days_since_the_epoch():
    assert weekdays_of({0: 1, 7: 2, 13: 5}) == (3, 0, 0, 0, 0, 0, 5)
