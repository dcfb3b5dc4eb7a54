"""Circuit breaker for S3: after a read that timed out, other readers do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

SILENT_S = 1
"""Minimum duration of a failed read that counts as a timeout instead of a refusal."""


class CircuitBreaker:
    """A circuit breaker shared by all S3 readers.

    Without it, each reader would wait for its own timeout, one after the other in the same request.

    Parameters
    ----------
    lasts_s
        Duration of the open state after a timeout: one polling interval.
    clock
        Returns seconds from an arbitrary start.
    """

    def __init__(self, *, lasts_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lasts_ms = lasts_s * 1000
        self._clock = clock
        self._until_ms = 0.0

    def is_open(self, *, now_ms: int) -> bool:
        """Return true while the circuit breaker is open."""
        return now_ms < self._until_ms

    def begin_look(self) -> float:
        """Return the start time of a read, for `failed`."""
        return self._clock()

    def failed(self, began_s: float, *, now_ms: int) -> None:
        """Record a failed read; open the circuit breaker if it took as long as a timeout."""
        if self._clock() - began_s >= SILENT_S:
            self._until_ms = now_ms + self._lasts_ms

    def end(self) -> None:
        """Close the circuit breaker after a response from S3."""
        self._until_ms = 0.0
