from alsolike.declarations.manifest import DELETE, HASH_KEY, LIST, READ, WRITE, Access, Manifest, below
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

_LIST_VERSIONS, _DELETE_VERSIONS = ("s3:ListBucketVersions",), ("s3:DeleteObjectVersion",)
_EACH = "The objects are named after erasures, datasets and batches"

MANIFEST = Manifest(
    description="Deletes an erased user's data from all stores, a part per call",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    timeout_s=900,
    variables={"stream_hours": "stream_retention_hours", "log_days": "log_retention_days"},
    access=(
        Access("lake", (*LIST, *_LIST_VERSIONS)),
        Access("artefacts", (*LIST, *_LIST_VERSIONS)),
        below("lake", READ + WRITE + DELETE, INTERACTIONS_PREFIX, USER_CHANGES_PREFIX, reason=_EACH),
        below(
            "lake",
            (*READ, *WRITE, *DELETE, *_DELETE_VERSIONS),
            SERVED_PREFIX,
            OUTCOMES_PREFIX,
            FAILED_BATCHES_PREFIX,
            reason=_EACH,
        ),
        below("lake", (*READ, *DELETE, *_DELETE_VERSIONS), QUARANTINE_PREFIX, reason=_EACH),
        HASH_KEY,
        Access("artefacts", READ + WRITE, keys=(TOMBSTONES_KEY,)),
        below(
            "artefacts",
            (*READ, *WRITE, *DELETE, *_DELETE_VERSIONS),
            DATASETS_PREFIX,
            PENDING_ERASURES_PREFIX,
            reason=_EACH,
        ),
        below("artefacts", READ + WRITE, ERASURE_RECEIPTS_PREFIX, reason=_EACH),
        Access("artefacts", READ, keys=(CHAMPION_KEY,)),
        Access("profiles", ("dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")),
        Access("users", ("dynamodb:GetItem", "dynamodb:DeleteItem")),
    ),
)
