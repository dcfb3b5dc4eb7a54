from alsolike.declarations.manifest import CONFIGURATION, DELETE, LIST, READ, WRITE, Access, Manifest
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
        Access(
            "artefacts",
            READ + DELETE,
            keys=(f"{MODELS_PREFIX}*",),
            reason="Each version has its own names, and unprotected versions are deleted",
        ),
        Access("artefacts", READ + WRITE, keys=(CHAMPION_KEY,)),
        Access("artefacts", READ + WRITE, keys=(f"{CANARIES_PREFIX}*",), reason="Each canary has its own report"),
        Access("artefacts", READ, keys=(f"{DECISIONS_PREFIX}*",), reason="Each version has its own decision"),
        *CONFIGURATION,
        Access(
            "lake",
            READ,
            keys=(f"{SERVED_PREFIX}*", f"{OUTCOMES_PREFIX}*"),
            reason="Objects are named after their day",
        ),
        Access("lake", READ + WRITE, keys=(f"{FORECASTS_PREFIX}*",), reason="Each canary has its own forecast"),
        Access("attribute_outcomes_function", ("lambda:InvokeFunction",)),
        Access("model_packages", ("sagemaker:ListModelPackages",)),
        Access(
            "model_versions",
            ("sagemaker:UpdateModelPackage",),
            reason="SageMaker numbers the packages of the group",
        ),
    ),
)
