from alsolike.declarations.manifest import CONFIGURATION, TOMBSTONES, WRITE, EventStream, Manifest, below
from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX

MANIFEST = Manifest(
    description="Writes events to the lake, and records that cannot be read to quarantine",
    layers=("core", "pandas"),
    memory_mb=2_048,
    timeout_s=120,
    reserved="reserved_consumers",
    # Retries have no limit (-1). An unreadable record is quarantined, so it causes no retry. Other failures, for
    # example of S3, usually end before the records expire.
    trigger=EventStream(batch_size="archive_batch_size", window_s="archive_window_s", retries=-1),
    access=(
        *TOMBSTONES,
        *CONFIGURATION,
        # Aborting multipart uploads is not permitted, because each object is written with a single request.
        below("lake", WRITE, INTERACTIONS_PREFIX, QUARANTINE_PREFIX),
    ),
)
