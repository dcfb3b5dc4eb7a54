"""Metrics of a decision: quality of the version and the champion, and failed conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.declarations.metrics import Metric
from alsolike.registry.decision import Decision
from functions.register_model.champion_checks import NDCG
from functions.register_model.gate import ALGORITHMS, COVERAGE, POPULARITY_BIAS, is_of_hold_out


def offline_figures(decision: Decision) -> dict[Metric, float]:
    """Return the version's metrics on the hold-out of its training, as far as the training recorded them."""
    values = _values(decision)
    hold_out: Mapping[str, Any] = next((figures for name, figures in values.items() if is_of_hold_out(name)), {})
    metrics = {
        Metric.OFFLINE_NDCG: hold_out.get("ndcg"),
        Metric.OFFLINE_COVERAGE_PERCENT: values.get(COVERAGE, {}).get("percent"),
        Metric.OFFLINE_POPULARITY_RATIO: values.get(POPULARITY_BIAS, {}).get("popularity_ratio"),
        Metric.ALGORITHMS_LEFT_OUT: values.get(ALGORITHMS, {}).get("left_out"),
    }
    return {metric: value for metric, value in metrics.items() if value is not None}


def ndcg_by_role(decision: Decision) -> dict[str, float]:
    """Return NDCG of candidate and champion from their comparison, or {} if they were not compared."""
    values = _values(decision).get(NDCG, {})
    if "champion_ndcg" not in values:
        return {}
    return {"candidate": values["ndcg"], "champion": values["champion_ndcg"]}


def gate_results(decision: Decision) -> dict[str, float]:
    """Return 1 for each failed condition, and 0 for each passed condition."""
    return {check.name: float(not check.passed) for check in decision.checks}


def _values(decision: Decision) -> dict[str, Mapping[str, Any]]:
    return {check.name: check.values for check in decision.checks}
