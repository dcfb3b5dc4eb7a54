from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from model_export.algorithms.popularity import Popularity
from model_export.api import FitCost
from model_export.data.interactions import Interactions
from model_export.evaluation import resource_budget
from model_export.evaluation.resource_budget import (
    AMPLE_MB,
    AMPLE_S,
    SHORT_FIT_ROWS,
    SMALL_INTERACTIONS,
    SMALL_ITEMS,
    Budget,
)
from model_export.processes import checkpoints
from model_export.processes.resources import measured

FITTED: list[int] = []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heavy(Popularity):
    name: ClassVar[str] = "heavy"

    def fit(self, interactions):
        FITTED.append(len(interactions))
        held = np.ones(1000 * len(interactions), np.uint8)
        assert held.all()
        return super().fit(interactions)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constant(Popularity):
    name: ClassVar[str] = "constant"

    def fit(self, interactions):
        held = np.ones(200_000_000, np.uint8)
        assert held.all()
        return super().fit(interactions)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimated(Heavy):
    name: ClassVar[str] = "estimated"

    def fit_cost(self, interactions):
        return FitCost(seconds=len(interactions), megabytes=50.0)


CHECKPOINTS: list[Path | None] = []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kept(Popularity):
    name: ClassVar[str] = "kept"

    def fit(self, interactions):
        CHECKPOINTS.append(checkpoints.checkpoint(self, interactions))
        return super().fit(interactions)


def shop(rows):
    numbers = np.arange(rows)
    return Interactions.from_rows(
        user=numbers // 10, item=numbers % 50 + 1, time_ms=numbers, weight=np.ones(rows), users=-(-rows // 10), items=50
    )


LARGE = shop(5 * SHORT_FIT_ROWS)


def test_accepted_algorithm_reduces_the_budget_once():
    data, limited = shop(1_000), Budget(seconds=9_999.0)

    assert limited.unsupported_reason(Estimated(), data) is None
    assert limited.unsupported_reason(Estimated(), data) is None
    assert limited.unsupported_reason(Estimated(), shop(1_000)) == (
        "its 5 fits would take about 5,000 processor seconds, 4,999 of the budget are left"
    )


def test_refused_algorithm_does_not_reduce_the_budget():
    limited = Budget(seconds=5_000.0)

    assert limited.unsupported_reason(Estimated(), shop(1_001)) is not None
    assert limited.unsupported_reason(Estimated(), shop(1_000)) is None


def test_budget_does_not_depend_on_elapsed_time(monkeypatch):
    limited = Budget(seconds=5_000.0)
    for clock in ("monotonic", "perf_counter", "time"):
        monkeypatch.setattr(f"time.{clock}", lambda: 1e9)

    assert limited.unsupported_reason(Estimated(), shop(1_000)) is None


def test_estimated_memory_above_the_budget_is_refused():
    reason = "a fit would take about 50 MB, the budget is 49 MB"

    assert Budget(megabytes=49.0).unsupported_reason(Estimated(), shop(10)) == reason


TRIALS = [SHORT_FIT_ROWS // 10, SHORT_FIT_ROWS]
"""Rows of the trial fits on `LARGE`."""


@pytest.mark.parametrize(
    ("limits", "settings", "data", "fitted"),
    [
        (Budget(seconds=1e-9), Heavy(), shop(1_000), []),
        (Budget(seconds=5e6), Estimated(), LARGE, []),
        (Budget(seconds=AMPLE_S + 60, megabytes=AMPLE_MB), Heavy(), LARGE, []),
        (Budget(), Heavy(), LARGE, []),
        (Budget(seconds=500.0), Heavy(), LARGE, TRIALS),
        # The second trial fit of large data uses one hundredth of the rows.
        (
            Budget(seconds=3_600),
            Heavy(),
            shop(150 * SHORT_FIT_ROWS),
            [SHORT_FIT_ROWS * 15 // 100, SHORT_FIT_ROWS * 15 // 10],
        ),
    ],
    ids=["small data", "estimate", "ample budget", "no limits", "subset of users", "large data"],
)
def test_trial_fits_are_made_only_if_the_budget_needs_them(limits, settings, data, fitted):
    FITTED.clear()

    assert limits.unsupported_reason(settings, data) is None
    assert fitted == FITTED


@pytest.mark.parametrize(
    ("interactions", "items", "seconds", "megabytes"),
    [
        (len(LARGE) - 1, SMALL_ITEMS, AMPLE_S + 60, AMPLE_MB),
        (SMALL_INTERACTIONS, LARGE.items - 1, AMPLE_S + 60, AMPLE_MB),
        (SMALL_INTERACTIONS, SMALL_ITEMS, AMPLE_S - 1, AMPLE_MB),
        (SMALL_INTERACTIONS, SMALL_ITEMS, AMPLE_S + 60, AMPLE_MB - 1),
    ],
)
def test_insufficient_budget_needs_trial_fits(monkeypatch, interactions, items, seconds, megabytes):
    monkeypatch.setattr(resource_budget, "SMALL_INTERACTIONS", interactions)
    monkeypatch.setattr(resource_budget, "SMALL_ITEMS", items)
    FITTED.clear()

    assert Budget(seconds=seconds, megabytes=megabytes).unsupported_reason(Heavy(), LARGE) is None
    assert FITTED == TRIALS


def test_resumed_job_repeats_trials_without_checkpoints(tmp_path):
    CHECKPOINTS.clear()

    with checkpoints.kept_in(tmp_path):
        Budget(seconds=500.0).unsupported_reason(Kept(), LARGE)
        Kept().fit(LARGE)

    assert CHECKPOINTS[:2] == [None, None]
    assert CHECKPOINTS[2] is not None


def test_memory_that_depends_on_items_is_not_extrapolated():
    # The fit uses 200 MB for any number of rows. So a fifth of the rows must not lead to an estimate of 1,000 MB.
    with measured() as now:
        pass
    assert Budget(megabytes=now.peak_mb + 500).unsupported_reason(Constant(), LARGE) is None


def test_trial_fits_above_the_time_budget_are_refused_with_figures():
    reason = Budget(seconds=1e-3).unsupported_reason(Heavy(), LARGE)

    assert reason is not None
    assert re.fullmatch(r"its 5 fits would take about [\d,]+ processor seconds, 0 of the budget are left", reason)


def test_trial_fits_above_the_memory_budget_are_refused_with_figures():
    # The trial fit on a fifth of the rows uses 50 MB, so the estimate is about 250 MB above the memory of the process.
    reason = Budget(megabytes=150.0).unsupported_reason(Heavy(), LARGE)

    assert reason.endswith("MB, the budget is 150 MB")
    assert Budget(megabytes=100_000.0).unsupported_reason(Heavy(), LARGE) is None


def test_exhausted_budget_refuses_every_algorithm():
    limited = Budget(seconds=5_000.0)
    limited.unsupported_reason(Estimated(), shop(1_000))

    assert limited.unsupported_reason(Heavy(), LARGE) == "the budget of 5,000 processor seconds is used up"


@pytest.mark.parametrize(("rows", "left_out"), [(12, False), (13, True)])
def test_quick_budget_refuses_long_estimates(rows, left_out):
    """The estimate is one second per row and fit. Five fits take 60 s and 65 s."""
    reason = Budget(seconds=1e6, megabytes=1e6, quick=True).unsupported_reason(Estimated(), shop(rows))

    assert (reason is not None) is left_out
    assert Budget(seconds=1e6, megabytes=1e6).unsupported_reason(Estimated(), shop(rows)) is None
    if reason:
        assert reason.startswith("its 5 fits would take about 65 processor seconds, a first training compares")


def test_quick_budget_accepts_algorithms_without_an_estimate():
    assert Budget(seconds=1e6, megabytes=1e6, quick=True).unsupported_reason(Heavy(), shop(1_000)) is None
