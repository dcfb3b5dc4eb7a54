"""Rebuild of the tables of items and users, and of the catalogue snapshot, from the change log in the lake."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import CatalogueStore
from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.users import UserStore
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import scan
from alsolike.snapshot.publisher import Published, SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from operations import progress
from operations.client.deployment import Deployment
from operations.client.erased_users import ErasedUsers
from operations.configuration.deployed_configuration import live_configuration

_THREADS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuilt:
    """Counts of a rebuilt table. `known` rows are in the change log or the backup, without deleted rows."""

    known: int
    written: int
    deleted: int


def read_changes(
    client: S3Client, bucket: str, kind: ChangeKind, *, changed_by_ms: int | None = None
) -> Iterator[Change]:
    """Yield the changes in the log, in arbitrary order."""
    for stored in scan(client, bucket, kind.prefix):
        if stored.body is not None:
            for change in change_log.decode(kind, stored.body, name=f"s3://{bucket}/{stored.key}"):
                if changed_by_ms is None or change.updated_at_ms <= changed_by_ms:
                    yield change


def rebuild_rows(
    deployment: Deployment, kind: ChangeKind, *, now_ms: int, changed_by_ms: int | None = None, exactly: bool = False
) -> Rebuilt:
    """Rebuild a table from the change log. Memory grows with the number of rows.

    `exactly` replaces differing rows and deletes rows that the log lacks. Otherwise only missing rows are written,
    because the log lags some seconds behind the table.
    """
    with progress.step(f"log of {kind}s") as step:
        changes = read_changes(deployment.client("s3"), deployment.names.lake_bucket, kind, changed_by_ms=changed_by_ms)
        rows = {
            name: change.properties
            for name, change in change_log.newest(changes).items()
            if change.properties is not None
        }
        step.note(f"{len(rows):,} {kind}s")
    return write_rows(deployment, kind, rows, now_ms=now_ms, exactly=exactly)


def write_rows(
    deployment: Deployment, kind: ChangeKind, rows: Mapping[str, Mapping[str, Any]], *, now_ms: int, exactly: bool
) -> Rebuilt:
    """Write rows, passed as properties by ID, to a table. Erased users are not written."""
    store = table(deployment, kind)
    erased = ErasedUsers(deployment)
    missing = {name: row for name, row in rows.items() if kind is ChangeKind.ITEM or name not in erased}
    others = []
    with progress.step(f"{kind}s in the table") as step:
        for row in store.scan():
            row_id = str(getattr(row, kind.id_column))
            properties = missing.pop(row_id, None)
            if row_id not in rows:
                others.append(row_id)
            elif exactly and properties is not None and properties != row.properties:
                missing[row_id] = properties
        written = _write(store, missing.items(), now_ms=now_ms, exactly=exactly)
        deleted = _delete(store, others, now_ms=now_ms) if exactly else 0
        step.note(f"{written:,} written, {deleted:,} deleted")
    return Rebuilt(len(rows), written, deleted)


def table(deployment: Deployment, kind: ChangeKind, *, name: str | None = None) -> RowStore[Any]:
    client = deployment.client("dynamodb")
    if kind is ChangeKind.ITEM:
        return CatalogueStore(client, name or deployment.names.catalogue_table)
    return UserStore(client, name or deployment.names.users_table)


def rebuild_snapshot(deployment: Deployment, *, now_ms: int) -> Published:
    s3, bucket = deployment.client("s3"), deployment.names.artefact_bucket
    configuration = live_configuration(deployment)
    changes = read_changes(s3, deployment.names.lake_bucket, ChangeKind.ITEM)
    with progress.step("catalogue snapshot") as step, tempfile.TemporaryDirectory(prefix="alsolike-") as directory:
        publisher = SnapshotPublisher(SnapshotStore(s3, bucket, Path(directory)))
        published = publisher.publish_all(
            changes, columns=configuration.item_columns, version=configuration.version, now_ms=now_ms
        )
        step.note(f"{published.changes:,} items")
    return published


def _write(store: RowStore[Any], rows: Iterable[tuple[str, Any]], *, now_ms: int, exactly: bool) -> int:
    typed_rows = (store.kind.make(row_id, properties) for row_id, properties in rows)
    with ThreadPoolExecutor(_THREADS, "rows") as pool:
        if exactly:
            return sum(pool.map(lambda row: store.put([row], now_ms=now_ms), typed_rows))
        return sum(pool.map(lambda row: store.insert(row, now_ms=now_ms), typed_rows))


def _delete(store: RowStore[Any], row_ids: Iterable[str], *, now_ms: int) -> int:
    with ThreadPoolExecutor(_THREADS, "rows") as pool:
        return sum(1 for _ in pool.map(lambda row_id: store.delete(row_id, now_ms=now_ms), row_ids))
