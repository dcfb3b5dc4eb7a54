from alsolike.declarations.manifest import LIST, READ, WRITE, Access, Manifest, below
from alsolike.declarations.storage import CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX, TRAINING_PREFIX

MANIFEST = Manifest(
    description="Unpacks, checks and registers a trained model",
    layers=("core", "onnx_runtime"),
    memory_mb=2_048,
    storage_mb=4_096,
    timeout_s=600,
    access=(
        Access("artefacts", LIST),
        below("artefacts", READ, TRAINING_PREFIX),
        below("artefacts", (*READ, *WRITE, "s3:AbortMultipartUpload"), MODELS_PREFIX),
        Access("artefacts", READ, keys=(CHAMPION_KEY,)),
        below("artefacts", READ + WRITE, DECISIONS_PREFIX),
        Access("model_packages", ("sagemaker:CreateModelPackage", "sagemaker:ListModelPackages")),
        Access(
            "model_versions",
            ("sagemaker:CreateModelPackage",),
            reason="SageMaker numbers the packages of the group",
        ),
    ),
)
