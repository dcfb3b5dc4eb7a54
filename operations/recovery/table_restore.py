"""Restore of tables to an earlier time: profiles from the lake, items and users from the lake or backups."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterator

from alsolike.catalogue.change_log import ChangeKind
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.recovery.profile_rebuild import rebuild_profiles
from operations.recovery.row_rebuild import rebuild_rows, table, write_rows
from operations.recovery.source import EVERYTHING, Part, RestoreSource
from operations.times import milliseconds


def restore_tables(
    deployment: Deployment,
    source: RestoreSource,
    *,
    to: dt.datetime,
    keep_newer: bool,
    now_ms: int,
    parts: Collection[Part] = EVERYTHING,
) -> None:
    """Restore the tables of items and users, and the profiles.

    `RestoreSource.NONE` restores nothing. With the other sources, profiles come from the lake. If `keep_newer` is true,
    newer rows of the lake are included.
    """
    if source is RestoreSource.NONE:
        return
    # Changes within the second of `to` are included, as for objects, because S3's times have whole seconds.
    by_ms = None if keep_newer else milliseconds(to.replace(microsecond=0)) + 999
    if Part.CATALOGUE in parts:
        _restore_rows(deployment, source, to=to, by_ms=by_ms, now_ms=now_ms)
    if Part.INTERACTIONS in parts:
        rebuild_profiles(deployment, now_ms=now_ms, received_by_ms=by_ms, exactly=True)


def _restore_rows(
    deployment: Deployment, source: RestoreSource, *, to: dt.datetime, by_ms: int | None, now_ms: int
) -> None:
    if source is RestoreSource.LAKE:
        for kind in ChangeKind:
            rebuild_rows(deployment, kind, now_ms=now_ms, changed_by_ms=by_ms, exactly=True)
    else:
        names = {ChangeKind.ITEM: deployment.names.catalogue_table, ChangeKind.USER: deployment.names.users_table}
        for kind, name in names.items():
            with restored_table(deployment, name, to=to) as copy:
                rows = table(deployment, kind, name=copy).scan()
                wanted = {str(getattr(row, kind.id_column)): row.properties for row in rows}
                write_rows(deployment, kind, wanted, now_ms=now_ms, exactly=True)


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
