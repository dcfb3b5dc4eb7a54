from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.alarm_topic import alarm
from infra_cdk.constructs.batch_workflow import BatchWorkflow
from infra_cdk.constructs.metrics import failed_runs
from infra_cdk.constructs.parameters import Parameters
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings
from infra_cdk.stacks.stack import Stack


class BatchStack(Stack):
    """Batch recommendations: the workflow of a run, and the functions that write its table and exchange files."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        env: cdk.Environment,
        data: StoredData,
        recommend: lambda_.IFunction,
        control_plane: PythonFunction,
        layers: Path,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"Alsolike {settings.name}: batches of users")
        shared = PythonLayers(self, "Layers", settings=settings, directory=layers)
        write = PythonFunction(self, "write_recommendations", settings=settings, layers=shared, data=data)
        buckets = [f"arn:{self.partition}:s3:::{bucket}" for bucket in settings.batch_buckets]
        exchange = PythonFunction(
            self, "exchange_batch", settings=settings, layers=shared, data=data, arns={"batch_buckets": buckets}
        )
        workflow = BatchWorkflow(
            self,
            "Workflow",
            settings=settings,
            artefacts=data.artefacts,
            recommend=recommend,
            write_recommendations=write.live,
            exchange_batch=exchange.live,
        )
        machine = workflow.state_machine
        control_plane.permit(
            self,
            "Jobs",
            arns={"batch_machine": machine.state_machine_arn, "batch_runs": executions_of(self, machine)},
        )
        alarm(
            self,
            "BatchFails",
            metric=failed_runs(machine),
            above=0,
            periods=1,
            description=f"Alsolike {settings.name}: A batch of recommendations failed: docs/runbooks/workflows.md",
            alerts=data.alerts,
        )
        Parameters(
            self,
            "Parameters",
            settings=settings,
            values={"batch_state_machine_arn": workflow.state_machine.state_machine_arn},
        )
