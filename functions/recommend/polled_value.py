"""A periodically refreshed value with a fallback, which never fails a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from functions.recommend.circuit_breaker import CircuitBreaker
from functions.recommend.time_limits import NO_LIMIT, LimitedLookUp, LookUpLimits, unlimited

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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
