"""Holdout: an experiment in the layer `holdout` with two arms.

The control keeps its recommendations. The configuration gives the other arm a replacement, usually popular items.
"""

from __future__ import annotations

from collections.abc import Iterable

from alsolike.configuration.experiments import Experiment
from alsolike.runtime.errors import InvalidInput

LAYER = "holdout"
ARMS = 2


def holdout_of(experiments: Iterable[Experiment], *, now_ms: int) -> Experiment | None:
    """Return the latest started experiment in the layer, even if it has ended, or None."""
    started = [experiment for experiment in experiments if experiment.layer == LAYER and experiment.start_ms <= now_ms]
    if not started:
        return None
    holdout = max(started, key=lambda experiment: experiment.start_ms)
    if len(holdout.arms) != ARMS:
        raise InvalidInput(f"{holdout.name} has {len(holdout.arms)} arms, expected {ARMS} in the layer {LAYER!r}")
    return holdout
