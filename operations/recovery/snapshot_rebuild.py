"""Rebuild of the catalogue snapshot from the change log in the lake."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alsolike.catalogue.change_log import ChangeKind
from alsolike.snapshot.publisher import Published, SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from operations import progress
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import live_configuration
from operations.recovery.row_rebuild import read_changes


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
