from alsolike.declarations import storage
from alsolike.declarations.manifest import DELETE, HASH_KEY, LIST, READ, WRITE, Access, Manifest, below

_LIST_VERSIONS, _DELETE_VERSIONS = ("s3:ListBucketVersions",), ("s3:DeleteObjectVersion",)
MANIFEST = Manifest(
    description="Deletes an erased user's data from all stores, a part per call",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    timeout_s=900,
    variables={"stream_hours": "stream_retention_hours", "log_days": "log_retention_days"},
    access=(
        Access("lake", (*LIST, *_LIST_VERSIONS)),
        Access("artefacts", (*LIST, *_LIST_VERSIONS)),
        below("lake", READ + WRITE + DELETE, storage.INTERACTIONS_PREFIX, storage.USER_CHANGES_PREFIX),
        below(
            "lake",
            (*READ, *WRITE, *DELETE, *_DELETE_VERSIONS),
            storage.SERVED_PREFIX,
            storage.OUTCOMES_PREFIX,
            storage.FAILED_BATCHES_PREFIX,
        ),
        below("lake", (*READ, *DELETE, *_DELETE_VERSIONS), storage.QUARANTINE_PREFIX),
        HASH_KEY,
        Access("artefacts", READ + WRITE, keys=(storage.TOMBSTONES_KEY,)),
        below(
            "artefacts",
            (*READ, *WRITE, *DELETE, *_DELETE_VERSIONS),
            storage.DATASETS_PREFIX,
            storage.PENDING_ERASURES_PREFIX,
        ),
        below("artefacts", READ + WRITE, storage.ERASURE_RECEIPTS_PREFIX),
        Access("artefacts", READ, keys=(storage.CHAMPION_KEY,)),
        Access("profiles", ("dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem")),
        Access("users", ("dynamodb:GetItem", "dynamodb:DeleteItem")),
    ),
)
