"""Rejected rows of a chunk, each with its first reason."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Verdicts:
    """First rejection reason per row."""

    def __init__(self, rows: int) -> None:
        self._reasons = ["good"]
        self._codes = np.zeros(rows, np.int16)

    def refuse(self, rows: npt.NDArray[np.bool_] | None, reason: str) -> None:
        if rows is not None and rows.any():
            self._codes[rows & (self._codes == 0)] = len(self._reasons)
            self._reasons.append(reason)

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        good: npt.NDArray[np.bool_] = self._codes == 0
        return good

    def bad(self) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
        """Return the positions of rejected rows, ascending, and the reason per position."""
        places = np.flatnonzero(self._codes)
        return places, tuple(self._reasons[code] for code in self._codes[places])
