"""Limit of a process's memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def limit_memory(environment: Mapping[str, str]) -> None:
    """Make allocations beyond the function's memory fail, which would otherwise end the process.

    Lambda kills a process that exceeds its memory, and starts another, which would load the same model. A failed
    allocation raises an error, so that an earlier model can answer. Mapped files do not count. Only Linux has this
    limit.
    """
    size_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if size_mb is None or sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int(size_mb) * 1024 * 1024, hard))
