"""What is left of a user's interactions when some of them, returns, take earlier ones back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

NOTHING = 1e-6
"""Share of a weight that is none."""


def remaining(pair: npt.NDArray[Any], weight: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return what each interaction still weighs, at least 0.

    One of a weight below 0 takes back what the same user did with the same item before, latest first, until that adds
    up to as much; what there is not cannot be taken back. This is the only definition: training and serving call it.

    Parameters
    ----------
    pair
        `(n,)`, oldest first: a number that stands for the user and the item.
    weight
        `(n,)`, in the same order.

    Examples
    --------
    >>> remaining(np.array([7, 7, 8, 7, 7]), np.array([5.0, 1.0, 5.0, -5.0, 1.0])).tolist()
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
            if left[latest] <= NOTHING * float(weight[latest]):  # sums of fractions come out a little off
                left[latest] = 0.0
                earlier.pop()
            if owed <= NOTHING * -float(weight[row]):
                break
    return left
