"""Positional decay: the latest interaction counts fully, each earlier one `position_decay` times the next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def positional_decay(items: npt.NDArray[np.int64], position_decay: float) -> npt.NDArray[np.float32]:
    """Return position_decay ** (number of interactions after this one); padding (0) is not counted and gets 0.

    Parameters
    ----------
    items
        int64 `(batch, length)`, oldest first.
    position_decay
        Above 0, at most 1; 1 is no decay.

    Examples
    --------
    >>> positional_decay(np.array([[7, 0, 8, 9]]), 0.5).tolist()
    [[0.25, 0.0, 0.5, 1.0]]
    """
    valid = (items != 0).astype(np.float32)
    later = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] - valid
    decayed: npt.NDArray[np.float32] = np.power(np.float32(position_decay), later) * valid
    return decayed
