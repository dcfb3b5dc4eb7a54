"""Decay by position, not by age (`alsolike.bundle.bundle.history_weights`).

The weight of an interaction is `position_decay` times the weight of the next later interaction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def positional_decay(items: npt.NDArray[np.int64], position_decay: float) -> npt.NDArray[np.float32]:
    """Return position_decay ** (number of later interactions), float32 `(batch, length)`, and 0 for padding.

    Parameters
    ----------
    items
        Item positions, oldest first, int64 `(batch, length)`. 0 is padding.
    position_decay
        Decay factor, above 0 and at most 1. 1 means no decay.

    Examples
    --------
    >>> positional_decay(np.array([[7, 0, 8, 9]]), 0.5).tolist()
    [[0.25, 0.0, 0.5, 1.0]]
    """
    valid = (items != 0).astype(np.float32)
    later = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid
    decayed: npt.NDArray[np.float32] = np.power(np.float32(position_decay), later) * valid
    return decayed
