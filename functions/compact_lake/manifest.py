from alsolike.declarations.manifest import (
    CONFIGURATION,
    DELETE,
    LIST,
    READ,
    TOMBSTONES,
    WRITE,
    Access,
    Manifest,
    Schedule,
)
from alsolike.declarations.storage import COMPACTIONS_PREFIX, INTERACTIONS_PREFIX, SERVED_PREFIX

MANIFEST = Manifest(
    description="Merges small objects of the lake, and removes days past the retention",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    timeout_s=900,
    trigger=Schedule(
        setting="compaction_schedule", purpose="keep the lake in few large objects", retries=2, max_age_minutes=120
    ),
    access=(
        Access("lake", LIST),
        Access(
            "lake",
            READ + WRITE + DELETE,
            keys=(f"{INTERACTIONS_PREFIX}*", f"{SERVED_PREFIX}*", f"{COMPACTIONS_PREFIX}*"),
            reason="Objects are named after their day and what they were merged from",
        ),
        *CONFIGURATION,
        *TOMBSTONES,
    ),
)
