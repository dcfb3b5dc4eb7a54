from alsolike.declarations import storage
from alsolike.declarations.manifest import CONFIGURATION, DELETE, LIST, READ, TOMBSTONES, WRITE, Access, Manifest, below

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
        below("lake", WRITE, storage.INTERACTIONS_PREFIX, storage.QUARANTINE_PREFIX),
        below("artefacts", READ + WRITE + DELETE, storage.IMPORTS_PREFIX),
        Access("artefacts", READ + WRITE, keys=(storage.ACTIONS_KEY,)),
        Access("artefacts", READ, keys=(storage.OWN_NAMES_KEY,)),
        *CONFIGURATION,
        *TOMBSTONES,
        *(Access(table, ("dynamodb:BatchWriteItem",)) for table in ("profiles", "catalogue", "users")),
    ),
)
