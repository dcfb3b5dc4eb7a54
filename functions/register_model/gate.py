"""The gate: what a candidate has to show before it may serve."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from alsolike.bundle import Manifest
from alsolike.decision import Check

BASELINE = "popularity"


def judge(candidate: Manifest, *, run_id: str, champion: Manifest | None) -> tuple[Check, ...]:
    """Return every check of a candidate; it may serve when all of them passed.

    Parameters
    ----------
    champion
        What serves now, if anything does.
    """
    return (
        Check("version", candidate.version == run_id, f"the bundle says {candidate.version}, the run is {run_id}"),
        _parity(candidate.metrics.get("parity")),
        _better_than_baseline(candidate),
        _fresh(candidate, champion=champion),
    )


def _parity(parity: Any) -> Check:
    """The exported graph was compared with the model that it was exported from."""
    figures = parity if isinstance(parity, Mapping) else {}
    numbers = [value for value in figures.values() if isinstance(value, int | float)]
    shown = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in figures.items())
    return Check("parity", bool(numbers) and all(map(math.isfinite, numbers)), shown or "none recorded")


def _better_than_baseline(candidate: Manifest) -> Check:
    ndcg = {result.get("algorithm"): result.get("ndcg") for result in candidate.metrics.get("candidates", ())}
    own, baseline = ndcg.get(candidate.algorithm), ndcg.get(BASELINE)
    name = f"ndcg@{candidate.metrics.get('k', '?')} on the hold-out"
    if not isinstance(own, int | float) or not isinstance(baseline, int | float):
        return Check(name, passed=False, figures=f"{candidate.algorithm} {own}, {BASELINE} {baseline}")
    return Check(name, own >= baseline, f"{candidate.algorithm} {own:.4f}, {BASELINE} {baseline:.4f}")


def _fresh(candidate: Manifest, *, champion: Manifest | None) -> Check:
    name, latest = "latest training event", _time(candidate.last_event_ms)
    if champion is None:
        return Check(name, passed=True, figures=f"{latest}, and there is no champion yet")
    fresh = candidate.last_event_ms >= champion.last_event_ms
    return Check(
        name,
        fresh,
        f"{latest}, {'not older' if fresh else 'older'} than champion {champion.version}'s "
        f"of {_time(champion.last_event_ms)}",
    )


def _figure(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
