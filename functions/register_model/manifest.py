from alsolike.declarations.manifest import LIST, READ, WRITE, Access, Manifest
from alsolike.declarations.storage import CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX, TRAINING_PREFIX

MANIFEST = Manifest(
    description="Unpacks, checks and registers a trained model",
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
            reason="Each run writes a new version, which is compared with the champion",
        ),
        Access("artefacts", READ, keys=(CHAMPION_KEY,)),
        Access(
            "artefacts",
            READ + WRITE,
            keys=(f"{DECISIONS_PREFIX}*",),
            reason="Each version has its own decision",
        ),
        Access("model_packages", ("sagemaker:CreateModelPackage", "sagemaker:ListModelPackages")),
        Access(
            "model_versions",
            ("sagemaker:CreateModelPackage",),
            reason="SageMaker numbers the packages of the group",
        ),
    ),
)
