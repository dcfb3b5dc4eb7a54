"""Manifest of archive_served."""

from alsolike.declarations.manifest import LIST, READ, WRITE, Access, LogLines, Manifest
from alsolike.declarations.storage import QUARANTINE_PREFIX, SERVED_PREFIX, TOMBSTONES_KEY

MANIFEST = Manifest(
    description="Writes what was recommended to the lake, and lines that cannot be read to quarantine",
    layers=("core", "pandas"),
    memory_mb=1_024,
    timeout_s=60,
    trigger=LogLines(function="recommend", field="$.served.recommendation_id"),
    access=(
        Access(
            "lake",
            WRITE,
            keys=(f"{SERVED_PREFIX}*", f"{QUARANTINE_PREFIX}*"),
            reason="Objects are named after their day, the log's stream and its events",
        ),
        Access("artefacts", READ, keys=(TOMBSTONES_KEY,)),
        Access("artefacts", LIST),  # else S3 answers 403, not 404, before there is a tombstone
    ),
)
