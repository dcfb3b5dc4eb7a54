"""Context object of Lambda for direct calls of handlers, and suppression of their output."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator

from alsolike.runtime.observability import logger


@dataclasses.dataclass(frozen=True)
class Context:
    """Attributes of Lambda's context object that handlers read."""

    function_name: str = "benchmark"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:benchmark"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


CONTEXT = Context()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Redirect metrics to memory and raise the log level to ERROR.

    The logger keeps the output stream from its creation, so a redirection does not affect it.
    """
    level = logger.log_level
    logger.setLevel("ERROR")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
