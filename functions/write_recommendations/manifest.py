from alsolike.declarations.manifest import DELETE, LIST, READ, WRITE, Access, Manifest
from alsolike.declarations.storage import BATCH_PREFIX

MANIFEST = Manifest(
    description="Converts the recommendations of a batch to Parquet",
    layers=("core", "pandas"),
    memory_mb=1_024,
    timeout_s=120,
    access=(
        Access("artefacts", LIST),
        Access(
            "artefacts",
            READ + WRITE + DELETE,
            keys=(f"{BATCH_PREFIX}*",),
            reason="Objects are named after runs and their batches",
        ),
    ),
)
