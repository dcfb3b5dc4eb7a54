"""Start of a run of the training workflow."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.storage import CHAMPION_KEY, DATASETS_PREFIX, MODELS_PREFIX, TRAINING_RUN_KEY
from infra_cdk.constructs.nag_suppressions import acknowledge_wildcard
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings


def training_start(scope: Construct, *, settings: Settings, data: StoredData, layers: PythonLayers) -> PythonFunction:
    """Create the function that says where a run begins."""
    lake, artefacts = data.lake, data.artefacts
    return PythonFunction(
        scope,
        "StartTraining",
        name="start_training",
        description="Says whether a run of the training workflow may go, and where it begins",
        settings=settings,
        layers=[layers.core],
        data=data,
        permissions=[
            Permission(actions=["s3:ListBucket"], resources=[lake.bucket_arn, artefacts.bucket_arn]),
            Permission(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[
                    artefacts.arn_for_objects(TRAINING_RUN_KEY),
                    artefacts.arn_for_objects(CHAMPION_KEY),
                ],
            ),
            objects(artefacts, MODELS_PREFIX, actions=["s3:GetObject"], reason="The champion's bundle is copied"),
            objects(
                artefacts,
                DATASETS_PREFIX,
                actions=["s3:PutObject"],
                suffix="/champion/*",
                reason="Each run has a dataset of its own, with the champion's bundle in it",
            ),
            objects(artefacts, DATASETS_PREFIX, actions=["s3:DeleteObject"], reason="Datasets of earlier runs expire"),
        ],
        memory_mb=512,
        timeout_s=300,
    )


def executions_of(scope: Construct, machine: sfn.StateMachine) -> str:
    """Return the ARN that stands for all executions of a machine."""
    return cdk.Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine.state_machine_name}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def permit_looking_at_runs(scope: Construct, *, start: PythonFunction, machine: sfn.StateMachine) -> None:
    """Let `start_training` ask whether an execution of its own machine runs.

    Not in its role: the machine needs the function, and the role would need the machine.
    """
    executions = executions_of(scope, machine)
    policy = iam.Policy(
        scope,
        "LookAtRuns",
        roles=[start.role],
        statements=[iam.PolicyStatement(actions=["states:DescribeExecution"], resources=[executions])],
    )
    acknowledge_wildcard(policy, resource=executions, reason="Each run is an execution with a name of its own")
