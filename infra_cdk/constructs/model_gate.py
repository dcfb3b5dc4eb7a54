"""Function that judges and registers models."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from alsolike.declarations.storage import CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX, TRAINING_PREFIX
from infra_cdk.constructs.permissions import Permission, model_packages, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

# Settings that the function has under the same names.


def model_gate(
    scope: Construct,
    *,
    settings: Settings,
    data: StoredData,
    layers: PythonLayers,
    packages: sagemaker.CfnModelPackageGroup,
) -> PythonFunction:
    """Create the function that registers a trained model with the gate's decision on it."""
    artefacts = data.artefacts
    return PythonFunction(
        scope,
        "RegisterModel",
        name="register_model",
        description="Unpacks a trained model, judges it and registers it",
        settings=settings,
        layers=[layers.core, layers.onnx_runtime],
        data=data,
        values={"model_package_group": packages.model_package_group_name},
        permissions=[
            Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
            objects(artefacts, TRAINING_PREFIX, actions=["s3:GetObject"], reason="Each run has its own names"),
            objects(
                artefacts,
                MODELS_PREFIX,
                actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
                reason="Each run writes a new version, and is compared with the champion's",
            ),
            Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(CHAMPION_KEY)]),
            objects(
                artefacts,
                DECISIONS_PREFIX,
                actions=["s3:GetObject", "s3:PutObject"],
                reason="Each version's decision is kept, and holds when the step is repeated",
            ),
            Permission(
                actions=["sagemaker:CreateModelPackage", "sagemaker:ListModelPackages"],
                resources=[packages.attr_model_package_group_arn],
            ),
            model_packages(scope, packages, actions=["sagemaker:CreateModelPackage"]),
        ],
        memory_mb=2_048,
        storage_mb=4_096,
        timeout_s=600,
    )
