"""AWS clients: one of each per process, with time limits that fit a request."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config


@cache
def client(service: str, *, read_timeout_s: float = 20, attempts: int = 4, checks_calls: bool = True) -> Any:
    """Return the process's low-level client of `service`; the endpoint comes from AWS_ENDPOINT_URL where set.

    Parameters
    ----------
    checks_calls
        Whether botocore compares each call with the service's description before it is sent: a tenth of what a call
        costs, for a function that makes the same few calls all day.
    """
    return boto3.client(
        service,
        config=Config(
            connect_timeout=2,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=16,
            parameter_validation=checks_calls,
        ),
    )
