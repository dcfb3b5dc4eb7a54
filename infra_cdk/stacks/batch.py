"""Recommendations for many users at once, as files."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from alsolike.declarations.storage import BATCH_PREFIX
from infra_cdk.constructs.batch_workflow import BatchWorkflow
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


class BatchStack(cdk.Stack):
    """The workflow of a batch run, and the function that writes its table."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: DataStack,
        recommend: lambda_.IFunction,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: batches of users")
        self._settings = settings
        self._data = data
        self._layers = PythonLayers(self, "Layers", settings=settings, directory=layers)
        workflow = BatchWorkflow(
            self,
            "Workflow",
            settings=settings,
            artefacts=data.artefacts,
            recommend=recommend,
            write_recommendations=self._write_recommendations().live,
        )
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={"batch_state_machine_arn": workflow.state_machine.state_machine_arn},
        )

    def _write_recommendations(self) -> PythonFunction:
        artefacts = self._data.artefacts
        return PythonFunction(
            self,
            "WriteRecommendations",
            name="write_recommendations",
            description="Turns the answers of a batch into a part of a table",
            settings=self._settings,
            layers=[self._layers.core, self._layers.pandas],
            data=self._data,
            permissions=[
                Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
                objects(
                    artefacts,
                    BATCH_PREFIX,
                    actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    reason="Objects are named after runs and their batches",
                ),
            ],
            memory_mb=1_024,
            timeout_s=120,
        )
