from alsolike.declarations.manifest import CONFIGURATION, TOMBSTONES, Access, EventStream, Manifest

MANIFEST = Manifest(
    description="Adds events to the live profiles of users and sessions",
    memory_mb=512,
    timeout_s=60,
    reserved="reserved_consumers",
    trigger=EventStream(
        batch_size="update_batch_size",
        window_s="update_window_s",
        retries="update_retries",
        parallelization="update_parallelization",
    ),
    access=(
        *TOMBSTONES,
        *CONFIGURATION,
        Access(
            "profiles", tuple(f"dynamodb:{call}" for call in ("BatchWriteItem", "BatchGetItem", "Query", "PutItem"))
        ),
    ),
)
