"""Manifest of archive_events."""

from alsolike.declarations.manifest import CONFIGURATION, TOMBSTONES, WRITE, Access, EventStream, Manifest
from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX

MANIFEST = Manifest(
    description="Writes events to the lake, and records that cannot be read to quarantine",
    layers=("core", "pandas"),
    memory_mb=2_048,
    timeout_s=120,
    reserved="reserved_consumers",
    # It quarantines a record that it cannot read. So it fails only if the lake or its own set-up does; waiting loses
    # nothing.
    trigger=EventStream(batch_size="archive_batch_size", window_s="archive_window_s", retries=-1),
    access=(
        *TOMBSTONES,
        *CONFIGURATION,
        # No permission to abort an upload in parts: awswrangler leaves it, and the bucket's rule removes it.
        Access(
            "lake",
            WRITE,
            keys=(f"{INTERACTIONS_PREFIX}*", f"{QUARANTINE_PREFIX}*"),
            reason="Objects are named after their day, shard and sequence numbers",
        ),
    ),
)
