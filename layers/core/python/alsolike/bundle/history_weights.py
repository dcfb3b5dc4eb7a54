"""Weights and ages of the items in a history, as the model graph receives them: the decay with a half-life."""

import math

import numpy as np
import numpy.typing as npt

from alsolike.bundle.manifest import HistoryParameters
from alsolike.declarations.times import DAY_MS


def history_weights(
    parameters: HistoryParameters, event_weight: npt.ArrayLike, age_ms: npt.ArrayLike
) -> npt.NDArray[np.float32]:
    """Return event_weight * 0.5 ** (age / half life), or the event weight if the half-life is infinite. Negative ages
    count as 0.
    """
    if parameters.half_life_days == math.inf:
        return np.asarray(event_weight).astype(np.float32)
    age_days = np.maximum(np.asarray(age_ms, np.float64), 0.0) / DAY_MS
    decay = np.exp2(-age_days / parameters.half_life_days)
    return (np.asarray(event_weight, np.float64) * decay).astype(np.float32)


def ages(age_ms: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the graph's input `ages`, the ages in days. Negative ages are raised to 0."""
    return (np.maximum(np.asarray(age_ms, np.float64), 0.0) / DAY_MS).astype(np.float32)
