"""An operator's questions, and the clock that `observe` sees."""

from collections.abc import Callable
from typing import Any

from tests.builders.lambda_events import NOW_MS

OWN_NAMESPACE = "Alsolike/test"
Observe = Callable[..., dict[str, Any]]


class Clock:
    """The time that `observe` sees."""

    now_ms = NOW_MS

    def wait(self, seconds: float) -> None:
        self.now_ms += round(1000 * seconds)
