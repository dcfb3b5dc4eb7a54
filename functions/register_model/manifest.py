from alsolike.declarations.manifest import LIST, READ, WRITE, Access, Manifest
from alsolike.declarations.storage import CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX, TRAINING_PREFIX

MANIFEST = Manifest(
    description="Unpacks a trained model, judges it and registers it",
    layers=("core", "onnx_runtime"),
    memory_mb=2_048,
    storage_mb=4_096,
    timeout_s=600,
    access=(
        Access("artefacts", LIST),
        Access("artefacts", READ, keys=(f"{TRAINING_PREFIX}*",), reason="Each run has its own names"),
        Access(
            "artefacts",
            (*READ, *WRITE, "s3:AbortMultipartUpload"),
            keys=(f"{MODELS_PREFIX}*",),
            reason="Each run writes a new version, and is compared with the champion's",
        ),
        Access("artefacts", READ, keys=(CHAMPION_KEY,)),
        Access(
            "artefacts",
            READ + WRITE,
            keys=(f"{DECISIONS_PREFIX}*",),
            reason="Each version's decision is kept, and holds when the step is repeated",
        ),
        Access("model_packages", ("sagemaker:CreateModelPackage", "sagemaker:ListModelPackages")),
        Access(
            "model_versions",
            ("sagemaker:CreateModelPackage",),
            reason="SageMaker numbers the packages of the group as they are created",
        ),
    ),
)
