"""Canary: compares a version on trial with the champion."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from alsolike.declarations.storage import (
    CANARIES_PREFIX,
    CHAMPION_KEY,
    CONFIGURATION_KEY,
    DECISIONS_PREFIX,
    MODELS_PREFIX,
    OUTCOMES_PREFIX,
    SERVED_PREFIX,
)
from infra_cdk.constructs.permissions import Permission, model_packages, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


def canary(
    scope: Construct,
    *,
    settings: Settings,
    data: StoredData,
    layers: PythonLayers,
    packages: sagemaker.CfnModelPackageGroup,
) -> PythonFunction:
    """Create the function that starts, looks at and ends canaries."""
    artefacts, lake = data.artefacts, data.lake
    return PythonFunction(
        scope,
        "RunCanary",
        name="run_canary",
        description="Runs a version as canary next to the champion, then promotes it or rolls it back",
        settings=settings,
        layers=[layers.core, layers.pandas],
        data=data,
        values={"model_package_group": packages.model_package_group_name},
        permissions=[
            Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn, lake.bucket_arn]),
            objects(
                artefacts,
                MODELS_PREFIX,
                actions=["s3:GetObject", "s3:DeleteObject"],
                reason="Each version has its own names, and those that nothing keeps go",
            ),
            Permission(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[artefacts.arn_for_objects(CHAMPION_KEY)],
            ),
            objects(
                artefacts,
                CANARIES_PREFIX,
                actions=["s3:GetObject", "s3:PutObject"],
                reason="Each version's canary has its report",
            ),
            objects(artefacts, DECISIONS_PREFIX, actions=["s3:GetObject"], reason="Each version has its decision"),
            Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(CONFIGURATION_KEY)]),
            *(
                objects(lake, prefix, actions=["s3:GetObject"], reason="Objects are named after their day")
                for prefix in (SERVED_PREFIX, OUTCOMES_PREFIX)
            ),
            Permission(actions=["sagemaker:ListModelPackages"], resources=[packages.attr_model_package_group_arn]),
            model_packages(scope, packages, actions=["sagemaker:UpdateModelPackage"]),
        ],
        memory_mb=2_048,
        storage_mb=2_048,
        timeout_s=600,
    )
