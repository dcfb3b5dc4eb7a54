"""Manifest of operate."""

from alsolike.declarations.manifest import LIST, READ, SIGNING_KEYS, WRITE, Access, Manifest
from alsolike.declarations.storage import CANARIES_PREFIX, CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX

MANIFEST = Manifest(
    description="Lets operators see and promote model versions, roll back, train and try rules",
    memory_mb=1_024,
    timeout_s=29,  # the API waits for 30 s
    access=(
        *SIGNING_KEYS,
        Access("artefacts", LIST),  # also so that S3 answers 404, not 403
        Access("artefacts", READ + WRITE, keys=(CHAMPION_KEY,)),
        Access(
            "artefacts",
            READ + WRITE,
            keys=(f"{DECISIONS_PREFIX}*",),
            reason="Each version has a decision, in which is kept why it was forced",
        ),
        Access("artefacts", READ, keys=(f"{CANARIES_PREFIX}*",), reason="Each version on trial has a report"),
        Access(
            "artefacts",
            READ,
            keys=(f"{MODELS_PREFIX}*/manifest.json",),
            reason="Any version may be looked at and promoted",
        ),
        Access("model_packages", ("sagemaker:ListModelPackages",)),
        Access(
            "model_versions",
            ("sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"),
            reason="SageMaker numbers the packages of the group as they are created",
        ),
        Access("state_machine_arn", ("states:StartExecution", "states:ListExecutions")),
        Access(
            "training_runs",
            ("states:DescribeExecution", "states:GetExecutionHistory"),
            reason="Each run is an execution with a name of its own",
        ),
        Access("recommend_function", ("lambda:InvokeFunction",)),
    ),
)
