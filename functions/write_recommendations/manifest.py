from alsolike.declarations.manifest import DELETE, LIST, READ, WRITE, Access, Manifest, below
from alsolike.declarations.storage import BATCH_PREFIX

MANIFEST = Manifest(
    description="Converts the recommendations of a batch to Parquet",
    layers=("core", "pandas"),
    memory_mb=1_024,
    timeout_s=120,
    access=(
        Access("artefacts", LIST),
        below("artefacts", READ + WRITE + DELETE, BATCH_PREFIX),
    ),
)
