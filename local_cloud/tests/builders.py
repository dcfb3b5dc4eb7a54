from typing import Any
from unittest.mock import Mock

from local_cloud.execution.function import Function
from local_cloud.sources.poller import PollerServices


def poller_services(**given: Any) -> PollerServices:
    """Return services of which a test gives those that its poller calls."""
    return PollerServices(**(dict.fromkeys(PollerServices.__slots__, Mock()) | given))


def lambda_function(**given: Any) -> Function:
    properties = dict.fromkeys(("name", "arn", "handler", "log_group", "role", "version", "code_sha256"), "f")
    defaults = {"code": b"", "environment": {}, "timeout_s": 1.0, "memory_mb": 128, "layers": ()}
    return Function(**{**properties, **defaults, **given})
