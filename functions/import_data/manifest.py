from alsolike.declarations.manifest import (
    CONFIGURATION,
    DELETE,
    LIST,
    READ,
    TOMBSTONES,
    WRITE,
    Access,
    Manifest,
    below,
)
from alsolike.declarations.storage import (
    ACTIONS_KEY,
    IMPORTS_PREFIX,
    INTERACTIONS_PREFIX,
    OWN_NAMES_KEY,
    QUARANTINE_PREFIX,
)

MANIFEST = Manifest(
    description="Imports the files of an import job of Amazon Personalize",
    layers=("core", "pandas"),
    packages=("client", "configuration", "ingest", "keys.py", "progress.py", "times.py"),
    memory_mb="lake_memory_mb",
    storage_mb=2_048,
    timeout_s=900,
    variables={"deployment": "name"},
    access=(
        Access("import_buckets", LIST),
        Access(
            "import_buckets",
            READ,
            keys=("*",),
            reason="The setting `import_buckets` names the buckets; import jobs name their objects",
        ),
        below(
            "lake",
            WRITE,
            INTERACTIONS_PREFIX,
            QUARANTINE_PREFIX,
            reason="Objects are named after their day, file and line",
        ),
        below(
            "artefacts", READ + WRITE + DELETE, IMPORTS_PREFIX, reason="Journals are named after the content of files"
        ),
        Access("artefacts", READ + WRITE, keys=(ACTIONS_KEY,)),
        Access("artefacts", READ, keys=(OWN_NAMES_KEY,)),
        *CONFIGURATION,
        *TOMBSTONES,
        *(Access(table, ("dynamodb:BatchWriteItem",)) for table in ("profiles", "catalogue", "users")),
    ),
)
