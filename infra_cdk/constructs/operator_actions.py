"""Function behind the operators' API routes, which promote, roll back and train."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.storage import CANARIES_PREFIX, CHAMPION_KEY, DECISIONS_PREFIX, MODELS_PREFIX
from infra_cdk.constructs.key_access import key_permissions
from infra_cdk.constructs.permissions import Permission, model_packages, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


def operate(
    scope: Construct,
    *,
    settings: Settings,
    data: StoredData,
    machine: sfn.StateMachine,
    packages: sagemaker.CfnModelPackageGroup,
    recommend: lambda_.IFunction,
    layers: PythonLayers,
) -> PythonFunction:
    """Create the function; it writes the champion pointer and the gate's decisions, and no model."""
    artefacts = data.artefacts
    stack = cdk.Stack.of(scope)
    return PythonFunction(
        scope,
        "Operate",
        name="operate",
        description="Lets operators see and promote model versions, roll back, train and try rules",
        settings=settings,
        layers=[layers.core],
        data=data,
        values={
            "model_package_group": packages.model_package_group_name,
            "state_machine_arn": machine.state_machine_arn,
            "recommend_function": recommend.function_arn,
        },
        permissions=[
            *key_permissions(data),
            # Also so that S3 says 404, not 403, of what is not there.
            Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
            Permission(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[artefacts.arn_for_objects(CHAMPION_KEY)],
            ),
            objects(
                artefacts,
                DECISIONS_PREFIX,
                actions=["s3:GetObject", "s3:PutObject"],
                reason="Each version has a decision, in which is kept why it was forced",
            ),
            objects(artefacts, CANARIES_PREFIX, actions=["s3:GetObject"], reason="Each version on trial has a report"),
            objects(
                artefacts,
                MODELS_PREFIX,
                suffix="/manifest.json",
                actions=["s3:GetObject"],
                reason="Any version may be looked at and promoted",
            ),
            Permission(actions=["sagemaker:ListModelPackages"], resources=[packages.attr_model_package_group_arn]),
            model_packages(scope, packages, actions=["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"]),
            Permission(
                actions=["states:StartExecution", "states:ListExecutions"], resources=[machine.state_machine_arn]
            ),
            Permission(
                actions=["states:DescribeExecution", "states:GetExecutionHistory"],
                resources=[
                    stack.format_arn(
                        service="states",
                        resource="execution",
                        # As an import: cdk-nag's finding has the export's name in it.
                        resource_name=f"{cdk.Stack.of(machine).export_value(machine.state_machine_name)}:*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
                wildcard_reason="Each run is an execution with a name of its own",
            ),
            Permission(actions=["lambda:InvokeFunction"], resources=[recommend.function_arn]),
        ],
        memory_mb=1_024,
        timeout_s=29,
    )
