from alsolike.declarations.manifest import CONFIGURATION, LIST, READ, TOMBSTONES, WRITE, Access, Manifest, below
from alsolike.declarations.storage import BATCH_PREFIX, CHAMPION_KEY, DATASETS_PREFIX, MODELS_PREFIX, OWN_NAMES_KEY

MANIFEST = Manifest(
    description="Reads and writes the files of batch inference and segment jobs",
    layers=("core", "pandas"),
    memory_mb=1_024,
    storage_mb=2_048,
    timeout_s=900,
    access=(
        Access("batch_buckets", LIST),  # Without this, S3 returns 403 for missing objects instead of 404.
        Access(
            "batch_buckets",
            READ + WRITE,
            keys=("*",),
            reason="The setting `batch_buckets` names the buckets; jobs name their objects",
        ),
        *TOMBSTONES,
        *CONFIGURATION,
        Access("artefacts", READ, keys=(CHAMPION_KEY, OWN_NAMES_KEY)),
        Access(
            "artefacts",
            READ,
            keys=(f"{MODELS_PREFIX}*/manifest.json", f"{DATASETS_PREFIX}*"),
            reason="The users of segments are those of the champion's dataset",
        ),
        below("artefacts", READ + WRITE, BATCH_PREFIX, reason="Objects are named after runs and their batches"),
    ),
)
