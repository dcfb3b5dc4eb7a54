"""Weights of a user's interactions after returns, which cancel earlier purchases."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

NOTHING = 1e-6
"""Share of a weight below which the remaining weight is rounded to 0."""


def net_weights(pair: npt.NDArray[Any], weight: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the remaining weight of each interaction, at least 0.

    An interaction with a negative weight -w reduces the weights of earlier interactions of the same user and item,
    latest first, by w in total. Any excess has no effect.

    Parameters
    ----------
    pair
        Identifier of the pair of user and item per interaction, `(n,)`, oldest first.

    Examples
    --------
    >>> net_weights(np.array([7, 7, 8, 7, 7]), np.array([5.0, 1.0, 5.0, -5.0, 1.0])).tolist()
    [1.0, 0.0, 5.0, 0.0, 1.0]
    """
    left = np.maximum(np.asarray(weight, np.float64), 0.0)
    standing: dict[Any, list[int]] = {}
    for row in np.flatnonzero(np.isin(pair, pair[weight < 0])).tolist():
        earlier = standing.setdefault(pair[row].item(), [])
        owed = -float(weight[row])
        if owed < 0:
            earlier.append(row)
        while owed > 0 and earlier:
            latest = earlier[-1]
            taken = min(owed, float(left[latest]))
            left[latest] -= taken
            owed -= taken
            if left[latest] <= NOTHING * float(weight[latest]):  # Allows for rounding errors in sums.
                left[latest] = 0.0
                earlier.pop()
            if owed <= NOTHING * -float(weight[row]):
                break
    return left
