"""Look-ups in S3 that no request waits for longer than its share of the time budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent import futures
from typing import Generic, TypeVar

from alsolike.runtime.struct import struct

T = TypeVar("T")

STARVED_S = 10
"""A look-up that takes longer is waited for: Lambda stops its thread between requests, and S3 is not silent for so
long."""


class LookUpLimits:
    """The time that a request may wait for look-ups, all of them together.

    Parameters
    ----------
    limit_ms
        Of a request; 0 for no limit, which needs no thread.
    clock
        Returns seconds, from any beginning.

    Attributes
    ----------
    is_cold
        True in a request that waits for the first look-ups of its process.
    """

    def __init__(self, limit_ms: float = 0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_ms = limit_ms
        self.clock = clock
        self.is_cold = False
        self._until_s: float | None = None
        # One thread: downloads into the same folder must not overlap.
        self._thread = futures.ThreadPoolExecutor(1, "look") if limit_ms else None

    @property
    def is_limited(self) -> bool:
        """True if look-ups have a thread of their own."""
        return self._thread is not None

    def begin_request(self, *, limited: bool) -> None:
        """Note that a request begins, or a call that may wait as long as look-ups take."""
        self.is_cold = False
        self._until_s = self.clock() + self._limit_ms / 1000 if limited and self._limit_ms else None

    def wait_in_cold_start(self) -> None:
        """Lift the limit of this request: it is the first one of the process, and waits for a model anyway."""
        self.is_cold = True
        self._until_s = None

    @property
    def left_s(self) -> float | None:
        """The time that may still be waited; None for no limit."""
        return None if self._until_s is None else max(0.0, self._until_s - self.clock())

    def start(self, call: Callable[[], T]) -> futures.Future[T]:
        """Call in the thread, or now if there is no limit."""
        if self._thread is not None:
            return self._thread.submit(call)
        future: futures.Future[T] = futures.Future()
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001  raised where the result is read
            future.set_exception(error)
        return future


@struct
class _Started(Generic[T]):
    future: futures.Future[T]
    began_s: float


class LimitedLookUp(Generic[T]):
    """One look-up at a time; a request that finds it unfinished does without, and a later one takes its result.

    Parameters
    ----------
    waits_for_first
        True to wait for the first one to its end.
    """

    def __init__(self, patience: LookUpLimits, *, waits_for_first: bool = False) -> None:
        self._patience = patience
        self._started: _Started[T] | None = None
        self._waits = waits_for_first

    @property
    def goes_on(self) -> bool:
        """True from the start of a look-up until `take` returns its result."""
        return self._started is not None

    @property
    def is_waited_for(self) -> bool:
        """True if the request waits for the look-up to its end."""
        return self._waits or self._patience.left_s is None

    def begin(self, call: Callable[[], T]) -> None:
        """Start a look-up for which a later request takes the result."""
        self._started = _Started(self._patience.start(call), self._patience.clock())

    def take(self, call: Callable[[], T]) -> T | None:
        """Return the result of the active look-up, else of `call`; None if it is not ready in time."""
        if self._waits:
            self._patience.wait_in_cold_start()
        wait_s: float | None = 0.0
        if self._started is None:
            self.begin(call)
            wait_s = self._patience.left_s
        started = self._started
        assert started is not None
        if self.is_waited_for or self._patience.clock() - started.began_s > STARVED_S:
            wait_s = None
        futures.wait([started.future], timeout=wait_s)
        if not started.future.done():
            return None
        self._started, self._waits = None, False
        return started.future.result()


NO_LIMIT = LookUpLimits()


def unlimited() -> float:
    """Return the time that is left for a look-up in a thread: no request waits for it."""
    return math.inf
