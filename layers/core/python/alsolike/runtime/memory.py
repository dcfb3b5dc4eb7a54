"""The memory limit of a process."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def limit_memory(environment: Mapping[str, str]) -> None:
    """Limit the process's allocations to the memory of its Lambda function.

    Lambda kills a process that exceeds its memory and starts a new process, which would load the same model again. With
    this limit, the allocation raises an error instead, and the earlier model remains in use. Mapped files are not
    limited. The limit has an effect only on Linux.
    """
    size_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if size_mb is None or sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (int(size_mb) * 1024 * 1024, hard))
