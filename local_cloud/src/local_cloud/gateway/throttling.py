"""Throttling of an API: a token bucket per route, and a maximum number of pending requests per function.

AWS throttles on a best-effort basis over many machines. Here, the limits are exact. Only the embedded cloud limits
pending requests: Lambda would start an environment for each concurrent request.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

RETRY_AFTER_S = 1
# Default limits of an AWS account, which apply if a stage has none.
_ACCOUNT_LIMITS = {"ThrottlingRateLimit": 10_000, "ThrottlingBurstLimit": 5_000}


class TokenBucket:
    """Token bucket that holds up to `burst` tokens and gains `rate_per_s` tokens per second."""

    def __init__(self, *, rate_per_s: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled_at_s = clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now_s = self._clock()
            gained = (now_s - self._filled_at_s) * self._rate_per_s
            self._tokens = min(self._burst, self._tokens + gained)
            self._filled_at_s = now_s
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class Throttle:
    """Limit of the requests to each route of a stage. `default` applies to each route separately."""

    def __init__(
        self,
        default: Mapping[str, Any],
        routes: Mapping[str, Mapping[str, Any]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._default = {**_ACCOUNT_LIMITS, **default}
        self._routes = routes
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._lock = threading.Lock()

    def admits(self, route_key: str) -> bool:
        """Count a request to a route. Return false if it is throttled."""
        with self._lock:
            if (bucket := self._buckets.get(route_key)) is None:
                limits = {**self._default, **self._routes.get(route_key, {})}
                bucket = self._buckets[route_key] = TokenBucket(
                    rate_per_s=float(limits["ThrottlingRateLimit"]),
                    burst=float(limits["ThrottlingBurstLimit"]),
                    clock=self._clock,
                )
        return bucket.take()


class Capacity:
    """Limit of the running and waiting requests per function."""

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._pending: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def place(self, function_arn: str) -> Iterator[bool]:
        """Reserve capacity while the context is open. Yield false if the limit is reached."""
        with self._lock:
            admitted = self._pending[function_arn] < self._max_pending
            self._pending[function_arn] += admitted
        try:
            yield admitted
        finally:
            with self._lock:
                self._pending[function_arn] -= admitted
