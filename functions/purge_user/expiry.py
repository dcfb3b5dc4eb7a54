"""Data that an erasure cannot delete: copies that expire later, and models trained on the user's data."""

from __future__ import annotations

from collections.abc import Sequence

from alsolike.declarations.retention import TABLE_STREAM_DAYS
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.privacy.erasures import Expiring, TrainedModel, date_after
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import folders
from alsolike.training.dataset import INTERACTIONS_FILE, prefix
from functions.purge_user.deployment import Deployment


def expiring(places: Deployment, *, requested_at_ms: int, completed_at_ms: int) -> tuple[Expiring, ...]:
    copies: list[tuple[str, str, int, float]] = [
        (
            "old object versions",
            "earlier versions of interactions and users' changes, and of objects that other processes deleted before",
            completed_at_ms,
            places.object_version_days,
        ),
        ("batches", "batch recommendations: user IDs with their items", completed_at_ms, places.batch_days),
        (
            "event stream",
            "records of the user on the stream at the erasure; no consumer stores them",
            requested_at_ms,
            places.stream_hours / 24,
        ),
        (
            "table streams",
            "changes of the users' table, including the deletion; no consumer stores them",
            completed_at_ms,
            TABLE_STREAM_DAYS,
        ),
        (
            "table backups",
            "point-in-time recovery of the tables; a restore brings the user back until the erasure is repeated",
            completed_at_ms,
            places.table_backup_days,
        ),
        (
            "logs",
            "logs of functions and API, without IDs; the recommendation log contains keyed hashes",
            requested_at_ms,
            places.log_days,
        ),
        (
            "access logs",
            "access logs of the buckets; they name objects, not users",
            requested_at_ms,
            places.access_log_days,
        ),
    ]
    if places.forwarded_days:
        about = "request of the erasure for the other region, with the user ID"
        copies.append(("forwarded request", about, requested_at_ms, places.forwarded_days))
    return tuple(Expiring(name, about, date_after(from_ms, days=days)) for name, about, from_ms, days in copies)


def trained_models(
    client: S3Client, places: Deployment, *, datasets: Sequence[str], requested_at_ms: int
) -> tuple[TrainedModel, ...]:
    """Return the models of `datasets`, and models whose dataset no longer exists.

    A model has the name of its dataset. `datasets` contained the user.
    """
    bucket, with_user = places.artefact_bucket, set(datasets)
    champion = Registry(client, bucket).champion()
    replaced_by = date_after(requested_at_ms, days=places.retrain_days) if places.retrain_days else None
    folder_names = folders(client, bucket, MODELS_PREFIX)
    versions = {name.removeprefix(MODELS_PREFIX).rstrip("/") for name in folder_names} | with_user
    return tuple(
        TrainedModel(
            version=version,
            is_champion=champion is not None and champion.version == version,
            trained_with_user="yes" if version in with_user else "unknown",
            replaced_by=replaced_by,
        )
        for version in sorted(versions)
        if version in with_user or not _exists(client, bucket, f"{prefix(version)}{INTERACTIONS_FILE}")
    )


def _exists(client: S3Client, bucket: str, key: str) -> bool:
    """Return true if a dataset's file exists, as one object or as a directory of parts."""
    with translate_aws_errors(f"s3://{bucket}/{key}"):
        page = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return bool(page["KeyCount"])
