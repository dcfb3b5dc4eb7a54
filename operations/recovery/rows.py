"""The catalogue and the users, as the lake's change log says they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.users import USERS
from operations import progress
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.recovery.erased_users import ErasedUsers

_THREADS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuilt:
    """Counts of a table's rebuild.

    Attributes
    ----------
    known
        Rows that the log has.
    """

    known: int
    written: int
    deleted: int


def read_changes(client: Any, bucket: str, kind: ChangeKind, *, changed_by_ms: int | None = None) -> Iterator[Change]:
    """Yield the changes that the log has, in no order.

    Raises
    ------
    InvalidInput
        Naming an object that is no part of a log.
    """
    with translate_aws_errors(f"s3://{bucket}/{kind.prefix}"):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=kind.prefix):
            for entry in page.get("Contents", []):
                body = client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                for change in change_log.decode(kind, body, name=f"s3://{bucket}/{entry['Key']}"):
                    if changed_by_ms is None or change.updated_at_ms <= changed_by_ms:
                        yield change


def rebuild_rows(
    where: Deployment, kind: ChangeKind, *, now_ms: int, changed_by_ms: int | None = None, exactly: bool = False
) -> Rebuilt:
    """Bring a table to what the change log says; memory grows with the number of its rows.

    Parameters
    ----------
    changed_by_ms
        To what the log said at that time.
    exactly
        Whether rows that differ are replaced and others deleted; else only what the table lacks is written, and what
        it has stays: the log is some seconds behind.

    Raises
    ------
    InvalidInput, Unavailable
        See `read_changes`.
    """
    with progress.step(f"log of {kind}s") as step:
        changes = read_changes(where.client("s3"), where.names.lake_bucket, kind, changed_by_ms=changed_by_ms)
        wanted = {
            name: change.properties
            for name, change in change_log.newest(changes).items()
            if change.properties is not None
        }
        step.note(f"{len(wanted):,} {kind}s")
    return write_rows(where, kind, wanted, now_ms=now_ms, exactly=exactly)


def write_rows(
    where: Deployment, kind: ChangeKind, wanted: Mapping[str, Mapping[str, Any]], *, now_ms: int, exactly: bool
) -> Rebuilt:
    """Bring a table to rows, given as properties by id. See `rebuild_rows`."""
    store = table(where, kind)
    erased = ErasedUsers(where)
    missing = {name: row for name, row in wanted.items() if kind is ChangeKind.ITEM or name not in erased}
    others = []
    with progress.step(f"{kind}s in the table") as step:
        for row in store.scan():
            row_id = str(getattr(row, kind.id_column))
            properties = missing.pop(row_id, None)
            if row_id not in wanted:
                others.append(row_id)
            elif exactly and properties is not None and properties != row.properties:
                missing[row_id] = properties
        written = _write(store, kind, missing.items(), now_ms=now_ms, exactly=exactly)
        deleted = _delete(store, others, now_ms=now_ms) if exactly else 0
        step.note(f"{written:,} written, {deleted:,} deleted")
    return Rebuilt(len(wanted), written, deleted)


def table(where: Deployment, kind: ChangeKind, *, name: str | None = None) -> RowStore[Any]:
    """Return the table of a kind, or another one of its form."""
    client = where.client("dynamodb")
    if kind is ChangeKind.ITEM:
        return RowStore(client, name or where.names.catalogue_table, ITEMS)
    return RowStore(client, name or where.names.users_table, USERS)


def _write(
    store: RowStore[Any], kind: ChangeKind, rows: Iterable[tuple[str, Any]], *, now_ms: int, exactly: bool
) -> int:
    make = ITEMS.make if kind is ChangeKind.ITEM else USERS.make
    made = (make(row_id, properties) for row_id, properties in rows)
    with ThreadPoolExecutor(_THREADS, "rows") as pool:
        if exactly:
            return sum(pool.map(lambda row: store.put([row], now_ms=now_ms), made))
        return sum(pool.map(lambda row: store.insert(row, now_ms=now_ms), made))


def _delete(store: RowStore[Any], row_ids: Iterable[str], *, now_ms: int) -> int:
    with ThreadPoolExecutor(_THREADS, "rows") as pool:
        return sum(1 for _ in pool.map(lambda row_id: store.delete(row_id, now_ms=now_ms), row_ids))
