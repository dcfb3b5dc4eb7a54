from alsolike.declarations import storage
from alsolike.declarations.manifest import CONFIGURATION, LIST, READ, SNAPSHOT, WRITE, Access, Manifest, Schedule, below

MANIFEST = Manifest(
    description="Compares current data with the champion's training data, and starts a training after drift",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    storage_mb=2_048,
    timeout_s=900,
    variables={"silent_hours": "lake_silent_hours", "stale_days": "champion_stale_days"},
    trigger=Schedule(
        setting="monitoring_schedule", purpose="check the champion for drift", retries=0, max_age_minutes=15
    ),
    access=(
        Access("lake", LIST),
        below("lake", READ, storage.INTERACTIONS_PREFIX, storage.SERVED_PREFIX),
        *CONFIGURATION,
        Access("artefacts", READ, keys=(storage.CHAMPION_KEY, storage.TRAINING_RUN_KEY)),
        Access(
            "artefacts",
            READ,
            keys=tuple(f"{storage.MODELS_PREFIX}*/{file}" for file in ("manifest.json", "ids.hash.npy", "ids.idx.npy")),
            reason="Any version may be the champion",
        ),
        Access(
            "artefacts",
            READ,
            keys=(f"{storage.DATASETS_PREFIX}*/manifest.json",),
            reason="Each run has a dataset with its own name",
        ),
        *SNAPSHOT,
        below("artefacts", READ + WRITE, storage.MONITORING_PREFIX),
        Access("profiles", ("dynamodb:Query",)),
        Access("state_machine_arn", ("states:StartExecution",)),
        Access(
            "training_runs",
            ("states:DescribeExecution", "states:GetExecutionHistory"),
            reason="Each started training is an execution with its own name",
        ),
    ),
)
