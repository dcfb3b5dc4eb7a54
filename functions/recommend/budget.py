"""The time budget of an answer, and its remainder."""

from __future__ import annotations

import time
from collections.abc import Callable

UNLIMITED = 0
"""The limit of an answer without a time budget."""

ALWAYS = 10
"""Steps below this fraction (1/10) of the budget always run: skipping them would save nothing."""


class Budget:
    """Time from the beginning of a request.

    Parameters
    ----------
    limit_ms
        Maximum duration of the answer; 0 for no limit.
    clock
        Returns seconds from an arbitrary start.
    """

    def __init__(self, limit_ms: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._start = clock()

    def allows(self, expected_ms: float) -> bool:
        """Return true if a step with the expected duration still fits."""
        if not self._limit_ms or expected_ms * ALWAYS <= self._limit_ms:
            return True
        return self.took_ms + expected_ms <= self._limit_ms

    @property
    def took_ms(self) -> float:
        """The time since the beginning."""
        return (self._clock() - self._start) * 1000
