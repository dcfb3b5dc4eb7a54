from alsolike.declarations.manifest import DELETE, LIST, READ, WRITE, Access, Manifest, below
from alsolike.declarations.storage import CHAMPION_KEY, DATASETS_PREFIX, GRAPHS_PREFIX, MODELS_PREFIX, TRAINING_RUN_KEY

MANIFEST = Manifest(
    description="Decides whether a run of the training workflow may start, and selects its first step",
    memory_mb=512,
    timeout_s=300,
    access=(
        Access("lake", LIST),
        Access("artefacts", LIST),
        Access("artefacts", READ + WRITE, keys=(TRAINING_RUN_KEY, CHAMPION_KEY)),
        below("artefacts", READ, MODELS_PREFIX),
        below("artefacts", READ, GRAPHS_PREFIX),
        Access(
            "artefacts",
            WRITE,
            keys=(f"{DATASETS_PREFIX}*/champion/*", f"{DATASETS_PREFIX}*/imported/*"),
            reason="Each run has its own dataset, which contains the champion's bundle and an imported graph",
        ),
        below("artefacts", DELETE, DATASETS_PREFIX),
        Access(
            "training_runs",
            ("states:DescribeExecution",),
            reason="Each run is an execution with its own name",
            needs_function=True,
        ),
    ),
)
