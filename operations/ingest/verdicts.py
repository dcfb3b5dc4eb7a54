"""Rejected rows of a chunk, each with its first reason."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Verdicts:
    """The first reason against each row.

    Parameters
    ----------
    rows
        How many there are.
    """

    def __init__(self, rows: int) -> None:
        self._reasons = ["good"]
        self._codes = np.zeros(rows, np.int16)

    def refuse(self, rows: npt.NDArray[np.bool_] | None, reason: str) -> None:
        """Refuse the rows where `rows` is true; None is none of them."""
        if rows is not None and rows.any():
            self._codes[rows & (self._codes == 0)] = len(self._reasons)
            self._reasons.append(reason)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Rows without a reason against them."""
        good: npt.NDArray[np.bool_] = self._codes == 0
        return good

    def bad(self) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        """Return the places of the others, ascending, and the reason of each."""
        places = np.flatnonzero(self._codes)
        return places, tuple(self._reasons[code] for code in self._codes[places])
