"""The time that an answer may take, and what is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable

UNLIMITED = 0
"""The limit of what may take as long as it takes."""

ALWAYS = 10
"""What takes less than one part in so many of the whole is done in any case: leaving it out would save nothing."""


class Budget:
    """Time from the beginning of a request.

    Parameters
    ----------
    limit_ms
        How long the answer may take; 0 for as long as it takes.
    clock
        Returns seconds, from any beginning.
    """

    def __init__(self, limit_ms: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._start = clock()

    def allows(self, expected_ms: float) -> bool:
        """Whether something that is expected to take so long still fits."""
        if not self._limit_ms or expected_ms * ALWAYS <= self._limit_ms:
            return True
        return self.took_ms + expected_ms <= self._limit_ms

    @property
    def took_ms(self) -> float:
        """The time since the beginning."""
        return (self._clock() - self._start) * 1000
