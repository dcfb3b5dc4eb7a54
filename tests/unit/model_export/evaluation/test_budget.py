from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from model_export.algorithms.popularity import Popularity
from model_export.api import Model
from model_export.data.interactions import Interactions
from model_export.evaluation import budget
from model_export.evaluation.budget import (
    AMPLE_MB,
    AMPLE_S,
    SMALL_INTERACTIONS,
    SMALL_ITEMS,
    TRIAL_ROWS,
    Budget,
    machine_megabytes,
)
from model_export.processes import checkpoints
from model_export.processes.resources import measured

FITTED: list[int] = []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heavy(Popularity):
    """Popularity that uses 100 bytes per interaction during its fit and records the number of interactions."""

    name: ClassVar[str] = "heavy"

    def fit(self, interactions: Interactions) -> Model:  # type: ignore[override]
        FITTED.append(len(interactions))
        held = np.ones(1000 * len(interactions), np.uint8)
        assert held.all()
        return super().fit(interactions)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constant(Popularity):
    """Popularity that uses 200 MB during its fit."""

    name: ClassVar[str] = "constant"

    def fit(self, interactions: Interactions) -> Model:  # type: ignore[override]
        held = np.ones(200_000_000, np.uint8)
        assert held.all()
        return super().fit(interactions)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Long(Heavy):
    """A fit is a million trials long."""

    name: ClassVar[str] = "long"

    def cost_probe(self) -> tuple[Long, float]:
        return self, 1e6


CHECKPOINTS: list[Path | None] = []


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kept(Popularity):
    """Notes of where its checkpoint would be."""

    name: ClassVar[str] = "kept"

    def fit(self, interactions: Interactions) -> Model:  # type: ignore[override]
        CHECKPOINTS.append(checkpoints.checkpoint(self, interactions))
        return super().fit(interactions)


def shop(rows: int) -> Interactions:
    return Interactions.from_rows(
        user=np.arange(rows) // 10,
        item=np.arange(rows) % 50 + 1,
        time_ms=np.arange(rows),
        weight=np.ones(rows),
        users=-(-rows // 10),
        items=50,
    )


LARGE = shop(5 * TRIAL_ROWS)


def test_what_was_fitted_in_the_budget_is_not_refused_when_it_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    data, limited = shop(5 * TRIAL_ROWS), Budget(seconds=500.0)
    FITTED.clear()
    assert limited.unsupported_reason(Heavy(), data) is None

    monkeypatch.setattr("time.monotonic", lambda: limited.started + 501.0)

    assert limited.unsupported_reason(Heavy(), data) is None
    assert len(FITTED) == 2  # the short fits were not repeated
    assert limited.unsupported_reason(Heavy(), shop(5 * TRIAL_ROWS)) == "the 500 s of the budget are used up"


def test_small_data_is_fitted_without_a_trial() -> None:
    FITTED.clear()

    assert Budget(seconds=1e-9).unsupported_reason(Heavy(), shop(1_000)) is None
    assert FITTED == []


def test_what_says_that_its_fits_are_long_is_tried_on_small_data_too() -> None:
    FITTED.clear()

    reason = Budget(seconds=30.0).unsupported_reason(Long(), shop(2_000))

    assert reason is not None
    assert reason.startswith("its 6 fits would take about ")
    assert FITTED == [2_000, 2_000]
    assert (
        Budget(seconds=30.0, started=-1e9).unsupported_reason(Long(), shop(2_000))
        == "the 30 s of the budget are used up"
    )


def test_trials_are_fits_on_some_of_the_users() -> None:
    FITTED.clear()

    assert Budget(seconds=500.0).unsupported_reason(Heavy(), LARGE) is None
    assert FITTED == [TRIAL_ROWS // 10, TRIAL_ROWS]


def test_an_ample_budget_needs_no_trial_of_small_data() -> None:
    FITTED.clear()

    assert Budget(seconds=AMPLE_S + 60, megabytes=AMPLE_MB).unsupported_reason(Heavy(), LARGE) is None
    assert FITTED == []


@pytest.mark.parametrize(
    ("interactions", "items", "seconds", "megabytes"),
    [
        (len(LARGE) - 1, SMALL_ITEMS, AMPLE_S + 60, AMPLE_MB),
        (SMALL_INTERACTIONS, LARGE.items - 1, AMPLE_S + 60, AMPLE_MB),
        (SMALL_INTERACTIONS, SMALL_ITEMS, AMPLE_S - 1, AMPLE_MB),
        (SMALL_INTERACTIONS, SMALL_ITEMS, AMPLE_S + 60, AMPLE_MB - 1),
    ],
)
def test_a_budget_that_is_not_ample_for_the_data_needs_a_trial(
    monkeypatch: pytest.MonkeyPatch, interactions: int, items: int, seconds: float, megabytes: float
) -> None:
    monkeypatch.setattr(budget, "SMALL_INTERACTIONS", interactions)
    monkeypatch.setattr(budget, "SMALL_ITEMS", items)
    FITTED.clear()

    assert Budget(seconds=seconds, megabytes=megabytes).unsupported_reason(Heavy(), LARGE) is None
    assert FITTED == [TRIAL_ROWS // 10, TRIAL_ROWS]


def test_a_job_that_goes_on_tries_again_rather_than_reading_checkpoints(tmp_path: Path) -> None:
    CHECKPOINTS.clear()

    with checkpoints.kept_in(tmp_path):
        Budget(seconds=500.0).unsupported_reason(Kept(), LARGE)
        Kept().fit(LARGE)

    assert CHECKPOINTS[:2] == [None, None]
    assert CHECKPOINTS[2] is not None


def test_of_large_data_a_hundredth_is_tried() -> None:
    FITTED.clear()

    assert Budget(seconds=3_600).unsupported_reason(Heavy(), shop(150 * TRIAL_ROWS)) is None
    assert FITTED == [TRIAL_ROWS * 15 // 100, TRIAL_ROWS * 15 // 10]


def test_what_is_of_the_items_does_not_grow_with_the_interactions() -> None:
    # 200 MB whatever there is to fit: a fifth of the rows is no reason to expect 1,000.
    with measured() as now:
        pass
    assert Budget(megabytes=now.peak_mb + 500).unsupported_reason(Constant(), LARGE) is None


def test_without_limits_there_is_no_trial() -> None:
    FITTED.clear()

    assert Budget().unsupported_reason(Heavy(), LARGE) is None
    assert FITTED == []


def test_what_would_take_longer_than_is_left_is_refused_with_both_figures() -> None:
    reason = Budget(seconds=0.001, started=math.inf).unsupported_reason(Heavy(), LARGE)
    assert reason is None  # nothing of it is used yet, and all of time is left

    reason = Budget(seconds=1e-3 + 1e-9).unsupported_reason(Heavy(), LARGE)
    assert reason is not None
    assert "s of the budget" in reason


def test_what_would_take_more_memory_is_refused_with_both_figures() -> None:
    # 50 MB on a fifth of the rows: about 250 MB above what the process has.
    reason = Budget(megabytes=150.0).unsupported_reason(Heavy(), LARGE)

    assert reason is not None
    assert reason.endswith("MB, the budget is 150 MB")
    assert Budget(megabytes=100_000.0).unsupported_reason(Heavy(), LARGE) is None


def test_a_budget_that_is_used_up_refuses_everything() -> None:
    reason = Budget(seconds=10.0, started=-1e9).unsupported_reason(Heavy(), LARGE)

    assert reason == "the 10 s of the budget are used up"


def test_the_machine_has_memory() -> None:
    assert machine_megabytes() > 100
