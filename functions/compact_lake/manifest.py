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
    below,
)
from alsolike.declarations.storage import COMPACTIONS_PREFIX, INTERACTIONS_PREFIX, SERVED_PREFIX

MANIFEST = Manifest(
    description="Merges small objects of the lake, and removes days past the retention",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    timeout_s=900,
    trigger=Schedule(
        setting="compaction_schedule", purpose="merge small objects of the lake", retries=2, max_age_minutes=120
    ),
    access=(
        Access("lake", LIST),
        below("lake", READ + WRITE + DELETE, INTERACTIONS_PREFIX, SERVED_PREFIX, COMPACTIONS_PREFIX),
        *CONFIGURATION,
        *TOMBSTONES,
    ),
)
