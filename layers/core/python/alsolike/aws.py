"""AWS clients: one of each per process, with time limits that fit a request."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config


@cache
def client(service: str, *, read_timeout_s: float = 20, attempts: int = 4) -> Any:
    """Return the process's low-level client of `service`; the endpoint comes from AWS_ENDPOINT_URL where set."""
    return boto3.client(
        service,
        config=Config(
            connect_timeout=2,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=16,
        ),
    )
