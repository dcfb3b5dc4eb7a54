"""Metrics adjusted for the users' outcomes before the start of the experiment."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alsolike.experiments.metrics import METRICS
from tests.builders.simulated_users import DrawnUsers, Shop, drawn_of

SHOP = Shop(metric="click-through", users=2_000, share=0.3, click_rate=0.2, activity=0.5)


@dataclasses.dataclass(frozen=True)
class Listed:
    now: dict[str, list[float]]
    earlier: dict[str, list[float]]

    def __len__(self):
        return len(next(iter(self.now.values())))

    def column(self, name):
        return self.now[name]

    def before(self, name):
        return self.earlier[name]


def arms(shop, *, seed, look=-1):
    drawn = drawn_of(shop, np.random.default_rng(seed))
    return {"arm": DrawnUsers(drawn, drawn.in_arm, look), "control": DrawnUsers(drawn, ~drawn.in_arm, look)}


def test_adjustment_removes_the_variance_of_the_time_before():
    """The revenue is twice the earlier revenue, plus 1 in `new`. So the slope theta is 2, and no variance remains."""
    earlier = [0.0, 1.0, 2.0, 1.0]
    users = {
        "control": Listed({"revenue": [0.0, 2.0, 4.0, 2.0]}, {"revenue": earlier}),
        "new": Listed({"revenue": [1.0, 3.0, 5.0, 3.0]}, {"revenue": earlier}),
    }

    found = METRICS["revenue-per-user"].adjusted(users)

    assert [sample.ratio for sample in found.values()] == pytest.approx([2, 3])
    assert [sample.variance for sample in found.values()] == pytest.approx([0, 0])
    assert [sample.eventful for sample in found.values()] == [3, 4]


def test_adjustment_without_earlier_data_changes_nothing():
    metric, users = METRICS["click-through"], arms(dataclasses.replace(SHOP, known=0.0), seed=1)

    assert metric.adjusted(users) == {name: metric.sample(arm) for name, arm in users.items()}


def test_adjustment_of_an_arm_without_users_is_empty():
    users = {
        "control": Listed({"revenue": [1.0, 2.0]}, {"revenue": [3.0, 1.0]}),
        "new": Listed({"revenue": []}, {"revenue": []}),
    }

    found = METRICS["revenue-per-user"].adjusted(users)

    assert (found["control"].users, found["new"].users, found["new"].ratio) == (2, 0, None)


def test_adjustment_equals_the_regression_within_arms():
    metric, users = METRICS["click-through"], arms(SHOP, seed=2)
    y, x = (np.concatenate([arm.column(name) for arm in users.values()]) for name in (metric.above, metric.below))
    y0, x0 = (np.concatenate([arm.before(name) for arm in users.values()]) for name in (metric.above, metric.below))
    deviations, before = y - y.sum() / x.sum() * x, y0 - y0.sum() / x0.sum() * x0
    is_control = np.repeat([False, True], [len(arm) for arm in users.values()])

    theta = np.linalg.lstsq(np.stack([before, is_control, ~is_control], axis=1), deviations, rcond=None)[0][0]

    adjusted = y - theta * (before - before.mean())
    found = metric.adjusted(users)
    assert found["control"].ratio == pytest.approx(adjusted[is_control].sum() / x[is_control].sum())
    assert found["control"].variance < metric.sample(users["control"]).variance
