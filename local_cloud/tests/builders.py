from typing import Any
from unittest.mock import Mock

import boto3

from local_cloud.execution.function import Function
from local_cloud.sources.poller import PollerServices


def poller_services(**given: Any) -> PollerServices:
    """Return services for a poller. Services that are not in `given` are mocks."""
    return PollerServices(**(dict.fromkeys(PollerServices.__slots__, Mock()) | given))


def lambda_function(**given: Any) -> Function:
    properties = dict.fromkeys(("name", "arn", "handler", "log_group", "role", "version", "code_sha256"), "f")
    defaults = {"code": b"", "environment": {}, "timeout_s": 1.0, "memory_mb": 128, "layers": ()}
    return Function(**{**properties, **defaults, **given})


def create_table(region: str, *, stream: str | None = None, **keys: str) -> Any:
    """Create the table `things`. `stream` is the view type of its stream, and `keys` are its keys with their types."""
    return boto3.client("dynamodb", region_name=region).create_table(
        TableName="things",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
        **({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": stream}} if stream else {}),
    )["TableDescription"]
