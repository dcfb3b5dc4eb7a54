"""Report on the rows of a training dataset: read, kept and skipped by reason."""

from __future__ import annotations

from typing import Any

from alsolike.training import dataset
from alsolike.training.dataset import DatasetManifest
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.progress import counted

_OF_INTERACTIONS = {
    "duplicate_event": "stored twice",
    "erased_user": "of erased users",
    "no_item": "without an item",
    "unknown_event_type": "of unknown event types",
    "no_weight": "of event types with weight 0",
    "taken_back": "taken back by returns",
    "rare_item": "with rare items",
    "short_history": "of users with short histories",
}
"""Descriptions of skipped interactions by reason. Each follows a number of interactions."""


def read_manifest(deployment: Deployment, run_id: str) -> DatasetManifest:
    bucket, key = deployment.names.artefact_bucket, f"{dataset.prefix(run_id)}{dataset.MANIFEST_FILE}"
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        body = deployment.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return DatasetManifest.from_json(body)


def document(manifest: DatasetManifest) -> dict[str, Any]:
    return {
        "rows_read": manifest.rows_read,
        "kept": manifest.interactions,
        "dropped": dict(manifest.dropped),
        "users": manifest.users,
        "items": manifest.items,
        "catalogue_items": manifest.catalogue_items,
        "first_event_ms": manifest.first_event_ms,
        "last_event_ms": manifest.last_event_ms,
        "repeat_share": manifest.repeat_share,
    }


def sentences(manifest: DatasetManifest) -> tuple[str, ...]:
    dropped = ", ".join(_words(reason, rows) for reason, rows in manifest.dropped.items() if rows)
    return (
        f"dataset    {manifest.rows_read:,} rows read, {manifest.interactions:,} kept: {manifest.users:,} users, "
        f"{manifest.items:,} items, {manifest.repeat_share:.1%} repeats",
        f"left out   {dropped or 'nothing'}",
    )


def _words(reason: str, rows: int) -> str:
    return f"{counted(rows, 'interaction')} {_OF_INTERACTIONS.get(reason, reason.replace('_', ' '))}"
