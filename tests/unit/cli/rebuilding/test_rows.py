"""Catalogue, users and snapshot that are rebuilt from the change log."""

import pytest

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.catalogue.items import CatalogueStore, Item
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import SnapshotStore
from operations.recovery.row_rebuild import Rebuilt, rebuild_rows
from operations.recovery.snapshot_rebuild import rebuild_snapshot
from tests.unit.cli.imported import stored_items

NOW_MS = 1_790_000_000_000


def log(deployment, *changes, batch):
    s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
    sequences = {"first_sequence": str(batch), "last_sequence": str(batch)}
    for date, rows in change_log.by_date(changes).items():
        key = change_log.object_key(ChangeKind.ITEM, date, shard="0", **sequences)
        s3.put_object(Bucket=bucket, Key=key, Body=change_log.encode(ChangeKind.ITEM, rows))


def catalogue(deployment):
    return CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table)


@pytest.fixture
def logged(deployment):
    """Log a higher price of the pear and the deletion of the fig, out of order and with duplicates."""
    log(deployment, Change("pear", NOW_MS + 5, {"price": 2}), Change("fig", NOW_MS + 7, None), batch=1)
    log(deployment, Change("pear", NOW_MS, {"price": 1}), Change("fig", NOW_MS, {"price": 9}), batch=2)
    log(deployment, Change("pear", NOW_MS, {"price": 1}), Change("kiwi", NOW_MS + 9, {"price": 3}), batch=3)
    return deployment


def test_lost_catalogue_is_rebuilt(logged):
    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99)

    assert rebuilt == Rebuilt(known=2, written=2, deleted=0)
    assert stored_items(logged) == {"pear": {"price": 2}, "kiwi": {"price": 3}}


def test_newer_rows_of_the_table_are_kept(logged):
    store = catalogue(logged)
    store.put([Item("pear", {"price": 7}), Item("kiwi", {}), Item("new", {})], now_ms=NOW_MS + 20)
    store.delete("kiwi", now_ms=NOW_MS + 21)

    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99)

    assert rebuilt.written == 0
    assert stored_items(logged) == {"pear": {"price": 7}, "new": {}}


def test_exact_rebuild_restores_the_rows_of_a_time(logged):
    catalogue(logged).put([Item("pear", {"price": 2}), Item("new", {})], now_ms=NOW_MS + 20)

    rebuilt = rebuild_rows(logged, ChangeKind.ITEM, now_ms=NOW_MS + 99, changed_by_ms=NOW_MS + 4, exactly=True)

    assert rebuilt == Rebuilt(known=2, written=2, deleted=1)
    assert stored_items(logged) == {"pear": {"price": 1}, "fig": {"price": 9}}


def test_invalid_log_object_error_names_the_object(deployment):
    key = "catalogue/change_date=2026-11-25/0-1-2.jsonl.gz"
    deployment.client("s3").put_object(Bucket=deployment.names.lake_bucket, Key=key, Body=b"no gzip")

    with pytest.raises(InvalidInput, match=key):
        rebuild_rows(deployment, ChangeKind.ITEM, now_ms=NOW_MS)


def test_rebuilt_snapshot_has_the_rows_of_the_log(logged, tmp_path):
    published = rebuild_snapshot(logged, now_ms=NOW_MS + 99)

    store = SnapshotStore(logged.client("s3"), logged.names.artefact_bucket, tmp_path)
    entries = store.manifest().manifest.segments
    snapshot = Snapshot.open([store.fetch(entry) for entry in entries], version="1")
    rows = snapshot.rows(["pear", "kiwi", "fig"])
    assert published.segments == 1
    assert [snapshot.properties(row) for row in rows[:2]] == [{"price": 2}, {"price": 3}]
    assert rows[2] == -1
