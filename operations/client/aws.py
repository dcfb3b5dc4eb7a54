"""AWS clients of the command line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors as translate_aws_errors
from alsolike.runtime.errors import Unavailable


def session_clients() -> Callable[[str], Any]:
    """Return a function that gives one client of each service.

    Raises
    ------
    Unavailable
        From the function, if no region is configured.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    session = boto3.Session()

    @functools.cache
    def client(service: str) -> Any:
        config = Config(
            retries={"mode": "standard", "max_attempts": 5},
            max_pool_connections=16,
            # DynamoDB checks the rows of an import itself; botocore's check takes a quarter of the client's time.
            parameter_validation=service != "dynamodb",
        )
        try:
            return session.client(service, config=config)
        except NoRegionError as error:
            raise Unavailable("no AWS region is configured; set AWS_REGION, or a region in the AWS profile") from error

    return client
