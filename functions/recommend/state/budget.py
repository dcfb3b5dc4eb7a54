"""Time budget of a request."""

from __future__ import annotations

import time
from collections.abc import Callable

UNLIMITED = 0
"""Value of a time limit that permits any duration."""

ALWAYS = 10
"""Steps that are expected to take at most 1 / ALWAYS of the budget always run, because skipping them would save little.
"""


class Budget:
    """Time budget of a request, from its start.

    Parameters
    ----------
    limit_ms
        Maximum duration of the response in milliseconds; 0 for no limit.
    clock
        Function that returns the time in seconds from an arbitrary start.
    """

    def __init__(self, limit_ms: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._start = clock()

    def allows(self, expected_ms: float) -> bool:
        """Return true if there is time for a step of the expected duration."""
        if not self._limit_ms or expected_ms * ALWAYS <= self._limit_ms:
            return True
        return self.took_ms + expected_ms <= self._limit_ms

    @property
    def took_ms(self) -> float:
        """Time since the start in milliseconds."""
        return (self._clock() - self._start) * 1000
