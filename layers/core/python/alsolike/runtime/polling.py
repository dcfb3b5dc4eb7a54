"""Polled values, which are reloaded after an interval, with a fallback, a circuit breaker and a deadline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, Generic, TypeVar

from alsolike.runtime.errors import AlsolikeError, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct

T = TypeVar("T")

STARVED_S = 10
"""Age in seconds of an unfinished read. From this age, a request waits for the result of the read without a limit.

Otherwise the read may never end, because Lambda freezes threads between requests.
"""


def unlimited() -> float:
    """Return infinity, the remaining time of a read for which no request waits."""
    return math.inf


class CircuitBreaker:
    """Circuit breaker that all readers of a service share.

    Otherwise, a request would wait for the timeout of each reader in turn.
    """

    def __init__(self, *, open_s: float) -> None:
        self._open_ms = open_s * 1000
        self._until_ms = 0.0

    def is_open(self, *, now_ms: int) -> bool:
        return now_ms < self._until_ms

    def record(self, error: Exception | None, *, now_ms: int) -> None:
        """Open after a timeout, and close after a successful read. Any other error leaves the state unchanged."""
        if error is None:
            self._until_ms = 0.0
        elif isinstance(error, Unavailable) and error.is_timeout:
            self._until_ms = now_ms + self._open_ms


class WaitBudget:
    """Deadline of a request for all its reads.

    Parameters
    ----------
    limit_ms
        Maximum wait per request in milliseconds. 0 sets no limit, and reads need no thread.

    Attributes
    ----------
    is_cold
        True during a request that waits for the first reads of its process.
    thread
        Executor of the reads; None if there is no limit.
    """

    def __init__(self, limit_ms: float = 0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_ms = limit_ms
        self.clock = clock
        self.is_cold = False
        self._until_s: float | None = None
        # A single thread, because downloads to the same folder must not overlap.
        self.thread = futures.ThreadPoolExecutor(1, "read") if limit_ms else None

    def begin_request(self, *, limited: bool) -> None:
        """Set the deadline for all reads of a request. If `limited` is false, the request waits without a limit."""
        self.is_cold = False
        self._until_s = self.clock() + self._limit_ms / 1000 if limited and self._limit_ms else None

    def wait_in_cold_start(self) -> None:
        """Remove the deadline of the current request, which needs the results of the first reads of its process."""
        self.is_cold = True
        self._until_s = None

    @property
    def left_s(self) -> float | None:
        return None if self._until_s is None else max(0.0, self._until_s - self.clock())


NO_LIMIT = WaitBudget()


@struct
class Polling:
    """Intervals and limits of reads.

    Attributes
    ----------
    retry_s
        Interval after a failed read until the first successful read; None for `interval_s`.
    max_retry_s
        Maximum of `retry_s`, which doubles with each failure; None keeps it constant.
    breaker
        Circuit breaker that prevents reads while it is open.
    probes_breaker
        True to read even while the circuit breaker is open, so that a successful read closes it.
    budget
        Deadline of a request. A longer read continues in a thread, and a later request receives the result.
    waits_for_first
        True if a request waits for the first read without a limit.
    min_remaining_ms
        Minimum remaining time of a request, in milliseconds. With less time, no read starts.
    """

    interval_s: float
    retry_s: float | None = None
    max_retry_s: float | None = None
    breaker: CircuitBreaker | None = None
    probes_breaker: bool = False
    budget: WaitBudget = NO_LIMIT
    waits_for_first: bool = False
    min_remaining_ms: float = 0


EVERY_30_S = Polling(interval_s=30)
NO_DEFAULT: Any = object()
_UNFINISHED: Any = object()


class PolledValue(Generic[T]):
    """Value that is reloaded at the first use after an interval. Failed reads keep the earlier value.

    Parameters
    ----------
    read
        Function that returns the latest value. Its argument is a function that returns the request's remaining
        milliseconds.
    default
        Value before the first successful read. Without a default, a failed read raises an error until then. Required
        with a circuit breaker, a deadline or a minimum remaining time, because `current` may then return the default.

    Attributes
    ----------
    is_partial
        True after a read with an incomplete result. The function `read` sets this flag.
    """

    def __init__(
        self, read: Callable[[Callable[[], float]], T], *, name: str, polling: Polling, default: T = NO_DEFAULT
    ) -> None:
        self._read = read
        self._name = name
        self._polling = polling
        self._value = default
        self._was_read = False
        self._waits_for_first = polling.waits_for_first
        self._failures = 0
        self._next_ms = -math.inf
        self._tried_ms = -math.inf
        self._reading: futures.Future[T] | None = None
        self._began_s = 0.0
        self.is_partial = False

    @property
    def degraded(self) -> str | None:
        """``no-<name>`` before the first successful read, ``stale-<name>`` after a failed or partial read, or None."""
        if not self._was_read:
            return f"no-{self._name}"
        return f"stale-{self._name}" if self._failures or self.is_partial else None

    @property
    def latest(self) -> T:
        return self._value

    @property
    def valid_until_ms(self) -> float:
        """Time in epoch milliseconds until which `current` returns the same value, or -inf during a read."""
        return -math.inf if self._reading is not None else self._next_ms

    @property
    def was_read(self) -> bool:
        return self._was_read

    @property
    def is_reading(self) -> bool:
        """True while a read is active or its result is pending."""
        return self._reading is not None

    def current(self, *, now_ms: int, remaining_ms: Callable[[], float] = unlimited) -> T:
        """Return the value. It is reloaded first if the interval has passed and a read is permitted."""
        if now_ms < self._next_ms and self._reading is None:
            return self._value
        return self._poll(now_ms, remaining_ms)

    def refresh(self, *, now_ms: int, min_age_s: float = 0) -> T:
        """Reload the value now, unless the last attempt is younger than `min_age_s`. Return the result of `current`."""
        if now_ms - self._tried_ms >= min_age_s * 1000:
            self._next_ms = -math.inf
        return self.current(now_ms=now_ms)

    def begin(self, *, now_ms: int) -> None:
        """Start a due read in the thread, so that the next request does not have to wait for it."""
        if self._polling.budget.thread is not None and self._reading is None and now_ms >= self._next_ms:
            self._start(unlimited)

    def _poll(self, now_ms: int, remaining_ms: Callable[[], float]) -> T:
        polling = self._polling
        if self._reading is None and (self._is_held_back(now_ms) or remaining_ms() <= polling.min_remaining_ms):
            return self._value
        self._tried_ms = now_ms
        try:
            value = self._result(remaining_ms)
        except Exception as error:  # noqa: BLE001  `_fail` keeps an earlier value after any error
            self._fail(error, now_ms=now_ms)
            return self._value
        if value is not _UNFINISHED:
            self._record(None, now_ms)
            self._value, self._was_read, self._failures = value, True, 0
            self._next_ms = now_ms + polling.interval_s * 1000
        return self._value

    def _fail(self, error: Exception, *, now_ms: int) -> None:
        """Keep the value and schedule the next read. Raise the error if there is no value to keep."""
        polling = self._polling
        self._record(error, now_ms)
        if self._value is NO_DEFAULT:  # The next call reads again.
            if isinstance(error, AlsolikeError):
                raise Unavailable(f"the {self._name} cannot be read: {error}") from error
            raise error
        logger.error(f"{self._name} cannot be read", reason=f"{type(error).__name__}: {error}")
        pause_s = polling.interval_s
        if not self._was_read and polling.retry_s is not None:
            pause_s = polling.retry_s
            if polling.max_retry_s is not None:
                pause_s = min(pause_s * 2**self._failures, polling.max_retry_s)
        self._failures += 1
        self._next_ms = now_ms + pause_s * 1000

    def _is_held_back(self, now_ms: int) -> bool:
        breaker = self._polling.breaker
        return breaker is not None and not self._polling.probes_breaker and breaker.is_open(now_ms=now_ms)

    def _record(self, error: Exception | None, now_ms: int) -> None:
        if self._polling.breaker is not None:
            self._polling.breaker.record(error, now_ms=now_ms)

    def _result(self, remaining_ms: Callable[[], float]) -> T:
        """Return the result of a read, or `_UNFINISHED` if the read exceeds the deadline."""
        budget = self._polling.budget
        if budget.thread is None:
            return self._read(remaining_ms)
        if self._waits_for_first:
            budget.wait_in_cold_start()
        wait_s: float | None = 0.0
        if self._reading is None:
            self._start(remaining_ms if budget.left_s is None else unlimited)
            wait_s = budget.left_s
        elif budget.left_s is None or budget.clock() - self._began_s > STARVED_S:
            wait_s = None
        reading = self._reading
        assert reading is not None
        futures.wait([reading], timeout=wait_s)
        if not reading.done():
            return _UNFINISHED  # type: ignore[no-any-return]
        self._reading, self._waits_for_first = None, False
        return reading.result()

    def _start(self, remaining_ms: Callable[[], float]) -> None:
        budget = self._polling.budget
        assert budget.thread is not None
        self._reading, self._began_s = budget.thread.submit(self._read, remaining_ms), budget.clock()
