"""Polled values: readers of S3 with a fallback, a circuit breaker, and a limit of each request's wait for them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, Generic, Protocol, TypeVar

from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

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

    Attributes
    ----------
    goes_on
        True from the start of a look-up until `take` returns its result.
    """

    def __init__(self, patience: LookUpLimits, *, waits_for_first: bool = False) -> None:
        self._patience = patience
        self._started: _Started[T] | None = None
        self.goes_on = False
        self._waits = waits_for_first

    @property
    def is_waited_for(self) -> bool:
        """True if the request waits for the look-up to its end."""
        return self._waits or self._patience.left_s is None

    def begin(self, call: Callable[[], T]) -> None:
        """Start a look-up for which a later request takes the result."""
        self._started = _Started(self._patience.start(call), self._patience.clock())
        self.goes_on = True

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
        self._started, self.goes_on, self._waits = None, False, False
        return started.future.result()


NO_LIMIT = LookUpLimits()


def unlimited() -> float:
    """Return the time that is left for a look-up in a thread: no request waits for it."""
    return math.inf


class Reader(Protocol[T_co]):
    """A reader that caches its value and polls for a newer one on the first call after an interval."""

    @property
    def stale(self) -> bool:
        """True if the last read failed, so that an earlier value is used."""

    def is_due(self, *, now_ms: int) -> bool:
        """Return true if `current` would look for a newer value."""

    @property
    def current(self) -> Callable[..., T_co]:
        """A function of `now_ms` that returns the latest value, or raises `Unavailable` if there is none yet."""


class PolledValue(Generic[T]):
    """A reader with a default value until its first successful read.

    Parameters
    ----------
    what
        Its name: answers are degraded with `no-<what>` and `stale-<what>`.
    retry_s
        Pause after a failed first read.
    breaker
        Circuit breaker; while it is open, the reader is not called.
    patience, waits_for_first
        Limits of a request's wait for a read, see `LimitedLookUp`.

    Attributes
    ----------
    kept
        The last result of `current`.
    """

    def __init__(
        self,
        reader: Reader[T],
        *,
        what: str,
        default: T,
        retry_s: float,
        breaker: CircuitBreaker,
        patience: LookUpLimits = NO_LIMIT,
        waits_for_first: bool = False,
    ) -> None:
        self._reader = reader
        self._patience = patience
        self._look: LimitedLookUp[T] = LimitedLookUp(patience, waits_for_first=waits_for_first)
        self._began_s = 0.0
        self._default = default
        self._retry_ms = retry_s * 1000
        self._next_try_ms = 0.0
        self._breaker = breaker
        self._what = what
        self.kept: tuple[T, str | None] = (default, f"no-{what}")

    def current(self, *, now_ms: int, **arguments: Any) -> tuple[T, str | None]:
        """Return the value, and the reason if it degrades an answer, else None."""
        if self._look.goes_on or (now_ms >= self._next_try_ms and not self._breaker.is_open(now_ms=now_ms)):
            try:
                value = self._looked(now_ms, arguments)
                if value is None:
                    return self.kept
                self.kept = value, f"stale-{self._what}" if self._reader.stale else None
            except Unavailable as error:
                logger.error(f"{self._what} cannot be read", reason=str(error))
                self.kept = self._default, f"no-{self._what}"
                self._next_try_ms = now_ms + self._retry_ms
            except Exception as error:  # noqa: BLE001  the earlier value answers if the newer one cannot be read
                logger.error(f"{self._what} cannot be read", reason=f"{type(error).__name__}: {error}")
                value, lacking = self.kept
                self.kept = value, lacking or f"stale-{self._what}"
                self._next_try_ms = now_ms + self._retry_ms
            if self.kept[1] is not None:
                self._breaker.failed(self._began_s, now_ms=now_ms)
        return self.kept

    def begin(self, *, now_ms: int) -> None:
        """Start a look in a thread if it is time, so that a later request need not wait for it."""
        if self._patience.is_limited and not self._look.goes_on and self._reader.is_due(now_ms=now_ms):
            self._began_s = self._breaker.begin_look()
            self._look.begin(lambda: self._reader.current(now_ms=now_ms))

    def _looked(self, now_ms: int, arguments: dict[str, Any]) -> T | None:
        """Return the reader's value; None while a read of a newer one is active."""
        if not self._look.goes_on:
            self._began_s = self._breaker.begin_look()
            if not self._patience.is_limited or not self._reader.is_due(now_ms=now_ms):
                return self._reader.current(now_ms=now_ms, **arguments)
            if not self._look.is_waited_for:
                arguments = {name: unlimited if name == "remaining_ms" else each for name, each in arguments.items()}
        return self._look.take(lambda: self._reader.current(now_ms=now_ms, **arguments))
