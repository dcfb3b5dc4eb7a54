from alsolike.declarations.manifest import (
    CONFIGURATION,
    HASH_KEY,
    READ,
    SIGNING_KEYS,
    SNAPSHOT,
    WRITE,
    Access,
    Manifest,
    below,
)
from alsolike.declarations.storage import (
    ACTIONS_KEY,
    BATCH_PREFIX,
    CHAMPION_KEY,
    MODELS_PREFIX,
    OWN_NAMES_KEY,
    TRENDS_PREFIX,
)

_BATCHES = "Objects are named after runs and their batches"

MANIFEST = Manifest(
    description="Returns recommendations of the champion",
    layers=("core", "onnx_runtime"),
    memory_mb=1_769,  # One full virtual processor.
    storage_mb="recommend_storage_mb",
    timeout_s=20,
    single_threaded=True,
    starts_fast=True,
    reserved="reserved_recommend",
    access=(
        *SIGNING_KEYS,
        Access("profiles", ("dynamodb:Query",)),
        Access("users", ("dynamodb:GetItem",)),
        Access("artefacts", READ, keys=(ACTIONS_KEY, CHAMPION_KEY, OWN_NAMES_KEY)),
        below("artefacts", READ, MODELS_PREFIX, reason="Any version may become the champion"),
        Access("artefacts", READ, keys=(f"{BATCH_PREFIX}*.json",), reason=_BATCHES),
        Access("artefacts", WRITE, keys=(f"{BATCH_PREFIX}*.jsonl",), reason=_BATCHES),
        *SNAPSHOT,
        below("artefacts", READ, TRENDS_PREFIX, reason="Objects are named after the shards of the stream"),
        *CONFIGURATION,
        HASH_KEY,
    ),
)
