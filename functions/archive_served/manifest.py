from alsolike.declarations.manifest import CONFIGURATION, LOGGED_TOMBSTONES, WRITE, Access, LogLines, Manifest, below
from alsolike.declarations.storage import QUARANTINE_PREFIX, SERVED_PREFIX

MANIFEST = Manifest(
    description="Writes logged recommendations to the lake, and unreadable lines to quarantine",
    layers=("core", "pandas"),
    memory_mb=1_024,
    timeout_s=60,
    trigger=LogLines(function="recommend", field="$.served.recommendation_id"),
    access=(
        below("lake", WRITE, SERVED_PREFIX, QUARANTINE_PREFIX),
        *LOGGED_TOMBSTONES,
        *CONFIGURATION,
        Access("profiles", ("dynamodb:BatchWriteItem",)),
    ),
)
