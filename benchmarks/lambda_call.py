"""Calling a handler as Lambda does, without the noise."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator

from alsolike.runtime.observability import logger


@dataclasses.dataclass(frozen=True)
class Context:
    """Lambda's context object, as far as handlers use it."""

    function_name: str = "benchmark"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:benchmark"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return plenty."""
        return 60_000


CONTEXT = Context()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let metric and log lines be written, to memory; the logger, which keeps the first output it saw, only errors."""
    logger.setLevel("ERROR")
    with contextlib.redirect_stdout(io.StringIO()):
        yield
