from alsolike.declarations.manifest import CONFIGURATION, LIST, READ, TOMBSTONES, WRITE, Access, Manifest, below
from alsolike.declarations.storage import ACTIONS_KEY, DATASETS_PREFIX, INTERACTIONS_PREFIX, SERVED_PREFIX

MANIFEST = Manifest(
    description="Builds a training dataset from the lake, the catalogue and the users",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    storage_mb=2_048,
    timeout_s=900,
    access=(
        *TOMBSTONES,
        Access("lake", LIST),
        *CONFIGURATION,
        below("lake", READ, INTERACTIONS_PREFIX, SERVED_PREFIX),
        below("artefacts", WRITE, DATASETS_PREFIX),
        Access("artefacts", READ, keys=(ACTIONS_KEY,)),
        Access("catalogue", ("dynamodb:Scan",)),
        Access("users", ("dynamodb:Scan",)),
    ),
)
