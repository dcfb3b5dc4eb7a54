from alsolike.declarations.manifest import CONFIGURATION, DELETE, LIST, READ, WRITE, Access, Manifest, below
from alsolike.declarations.storage import (
    CANARIES_PREFIX,
    CHAMPION_KEY,
    DECISIONS_PREFIX,
    FORECASTS_PREFIX,
    MODELS_PREFIX,
    OUTCOMES_PREFIX,
    SERVED_PREFIX,
)

MANIFEST = Manifest(
    description="Runs a version as canary next to the champion, then promotes it or rolls it back",
    layers=("core", "pandas"),
    memory_mb=2_048,
    storage_mb=2_048,
    timeout_s=600,
    access=(
        Access("artefacts", LIST),
        Access("lake", LIST),
        below(
            "artefacts",
            READ + DELETE,
            MODELS_PREFIX,
            reason="Each version has its own names, and unprotected versions are deleted",
        ),
        Access("artefacts", READ + WRITE, keys=(CHAMPION_KEY,)),
        below("artefacts", READ + WRITE, CANARIES_PREFIX, reason="Each canary has its own report"),
        below("artefacts", READ, DECISIONS_PREFIX, reason="Each version has its own decision"),
        *CONFIGURATION,
        below("lake", READ, SERVED_PREFIX, OUTCOMES_PREFIX, reason="Objects are named after their day"),
        below("lake", READ + WRITE, FORECASTS_PREFIX, reason="Each canary has its own forecast"),
        Access("attribute_outcomes_function", ("lambda:InvokeFunction",)),
        Access("model_packages", ("sagemaker:ListModelPackages",)),
        Access(
            "model_versions",
            ("sagemaker:UpdateModelPackage",),
            reason="SageMaker numbers the packages of the group",
        ),
    ),
)
