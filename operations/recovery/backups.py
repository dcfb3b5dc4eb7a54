"""Point-in-time backups of DynamoDB tables."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment


@contextlib.contextmanager
def restored_table(deployment: Deployment, name: str, *, to: dt.datetime) -> Iterator[str]:
    """Restore the state of a table at the time `to` in a temporary table, and yield the name of this copy.

    DynamoDB can only restore to a new table, which takes minutes to hours. The copy is deleted when the context exits.
    """
    client = deployment.client("dynamodb")
    copy = f"{name}-{to:%Y%m%dT%H%M%S}"
    with translate_aws_errors(f"restore of table {name} to {to:%Y-%m-%d %H:%M:%S} UTC"):
        client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=copy, RestoreDateTime=to)
    try:
        with progress.step(f"backup of {name}"), translate_aws_errors(f"table {copy}"):
            client.get_waiter("table_exists").wait(
                TableName=copy, WaiterConfig={"Delay": 10 if not deployment.is_local else 1, "MaxAttempts": 2_000}
            )
        yield copy
    finally:
        with translate_aws_errors(f"table {copy}"):
            client.delete_table(TableName=copy)
