"""Throttling of an API: a token bucket per route.

AWS throttles on a best-effort basis over many machines. Here, the limits are exact.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

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
