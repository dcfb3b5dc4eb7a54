from alsolike.declarations.manifest import DELETE, LIST, READ, WRITE, Access, Manifest
from alsolike.declarations.storage import CHAMPION_KEY, DATASETS_PREFIX, MODELS_PREFIX, TRAINING_RUN_KEY

MANIFEST = Manifest(
    description="Says whether a run of the training workflow may go, and where it begins",
    memory_mb=512,
    timeout_s=300,
    access=(
        Access("lake", LIST),
        Access("artefacts", LIST),
        Access("artefacts", READ + WRITE, keys=(TRAINING_RUN_KEY, CHAMPION_KEY)),
        Access("artefacts", READ, keys=(f"{MODELS_PREFIX}*",), reason="The champion's bundle is copied"),
        Access(
            "artefacts",
            WRITE,
            keys=(f"{DATASETS_PREFIX}*/champion/*",),
            reason="Each run has a dataset of its own, with the champion's bundle in it",
        ),
        Access("artefacts", DELETE, keys=(f"{DATASETS_PREFIX}*",), reason="Datasets of earlier runs expire"),
        Access(
            "training_runs",
            ("states:DescribeExecution",),
            reason="Each run is an execution with a name of its own",
            needs_function=True,
        ),
    ),
)
