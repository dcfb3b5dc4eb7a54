"""Manifest of purge_user."""

from alsolike.declarations.manifest import DELETE, HASH_KEY, LIST, READ, WRITE, Access, Manifest
from alsolike.declarations.storage import (
    CHAMPION_KEY,
    DATASETS_PREFIX,
    ERASURE_RECEIPTS_PREFIX,
    FAILED_BATCHES_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    PENDING_ERASURES_PREFIX,
    QUARANTINE_PREFIX,
    SERVED_PREFIX,
    TOMBSTONES_KEY,
    USER_CHANGES_PREFIX,
)

_EACH = "The objects are named after erasures, datasets and batches"

MANIFEST = Manifest(
    description="Removes an erased user from every store, a part at each call",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    timeout_s=900,
    variables={"stream_hours": "stream_retention_hours", "log_days": "log_retention_days"},
    access=(
        Access("lake", LIST),
        Access("artefacts", LIST),
        Access(
            "lake",
            READ + WRITE + DELETE,
            keys=(
                f"{INTERACTIONS_PREFIX}*",
                f"{SERVED_PREFIX}*",
                f"{OUTCOMES_PREFIX}*",
                f"{USER_CHANGES_PREFIX}*",
                f"{FAILED_BATCHES_PREFIX}*",
            ),
            reason=_EACH,
        ),
        Access("lake", READ + DELETE, keys=(f"{QUARANTINE_PREFIX}*",), reason=_EACH),
        HASH_KEY,
        Access("artefacts", READ + WRITE, keys=(TOMBSTONES_KEY,)),
        Access("artefacts", READ + WRITE + DELETE, keys=(f"{DATASETS_PREFIX}*",), reason=_EACH),
        Access("artefacts", READ + WRITE, keys=(f"{ERASURE_RECEIPTS_PREFIX}*",), reason=_EACH),
        Access(
            "artefacts",
            (*READ, *WRITE, *DELETE, "s3:DeleteObjectVersion"),
            keys=(f"{PENDING_ERASURES_PREFIX}*",),
            reason=_EACH,
        ),
        Access("artefacts", ("s3:ListBucketVersions",)),
        Access("artefacts", READ, keys=(CHAMPION_KEY,)),
        Access("profiles", ("dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")),
        Access("users", ("dynamodb:GetItem", "dynamodb:DeleteItem")),
    ),
)
