from alsolike.declarations import storage
from alsolike.declarations.manifest import CONFIGURATION, DELETE, LIST, READ, WRITE, Access, Manifest, below

MANIFEST = Manifest(
    description="Runs a version as canary next to the champion, then promotes it or rolls it back",
    layers=("core", "pandas"),
    memory_mb=2_048,
    storage_mb=2_048,
    timeout_s=600,
    access=(
        Access("artefacts", LIST),
        Access("lake", LIST),
        below("artefacts", READ + DELETE, storage.MODELS_PREFIX),
        Access("artefacts", READ + WRITE, keys=(storage.CHAMPION_KEY,)),
        below("artefacts", READ + WRITE, storage.CANARIES_PREFIX),
        below("artefacts", READ, storage.DECISIONS_PREFIX),
        *CONFIGURATION,
        below("lake", READ, storage.SERVED_PREFIX, storage.OUTCOMES_PREFIX),
        below("lake", READ + WRITE, storage.FORECASTS_PREFIX),
        Access("attribute_outcomes_function", ("lambda:InvokeFunction",)),
        Access("model_packages", ("sagemaker:ListModelPackages",)),
        Access(
            "model_versions",
            ("sagemaker:UpdateModelPackage",),
            reason="SageMaker numbers the packages of the group",
        ),
    ),
)
