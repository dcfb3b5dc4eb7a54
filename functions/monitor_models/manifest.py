from alsolike.declarations.manifest import CONFIGURATION, LIST, READ, SNAPSHOT, WRITE, Access, Manifest, Schedule
from alsolike.declarations.storage import (
    CHAMPION_KEY,
    DATASETS_PREFIX,
    INTERACTIONS_PREFIX,
    MODELS_PREFIX,
    MONITORING_PREFIX,
    SERVED_PREFIX,
    TRAINING_RUN_KEY,
)

MANIFEST = Manifest(
    description="Compares what happens with what the champion learned from; starts a training where it has to",
    layers=("core", "pandas"),
    memory_mb="lake_memory_mb",
    storage_mb=2_048,
    timeout_s=900,
    variables={"silent_hours": "lake_silent_hours", "stale_days": "champion_stale_days"},
    # The next run replaces a failed one.
    trigger=Schedule(
        setting="monitoring_schedule", purpose="look whether the champion still fits", retries=0, max_age_minutes=15
    ),
    access=(
        Access("lake", LIST),
        Access(
            "lake",
            READ,
            keys=(f"{INTERACTIONS_PREFIX}*", f"{SERVED_PREFIX}*"),
            reason="Objects are named after their day",
        ),
        *CONFIGURATION,
        Access("artefacts", READ, keys=(CHAMPION_KEY, TRAINING_RUN_KEY)),
        Access(
            "artefacts",
            READ,
            keys=tuple(f"{MODELS_PREFIX}*/{file}" for file in ("manifest.json", "ids.hash.npy", "ids.idx.npy")),
            reason="Any may be champion",
        ),
        Access(
            "artefacts",
            READ,
            keys=(f"{DATASETS_PREFIX}*/manifest.json",),
            reason="Each run has a dataset of its own name",
        ),
        *SNAPSHOT,
        Access("artefacts", READ + WRITE, keys=(f"{MONITORING_PREFIX}*",), reason="Reports are named after their day"),
        Access("profiles", ("dynamodb:Query",)),
        Access("state_machine_arn", ("states:StartExecution",)),
        Access(
            "training_runs",
            ("states:DescribeExecution", "states:GetExecutionHistory"),
            reason="Each training that was started is an execution with a name of its own",
        ),
    ),
)
