from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.constructs.batch_workflow import BatchWorkflow
from infra_cdk.constructs.metrics import failed_runs
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.state_machine import executions_of
from infra_cdk.stacks.stack import FunctionStack, Region


class BatchStack(FunctionStack):
    """Batch recommendations: the workflow of a run, and the functions that write its table and exchange files."""

    def __init__(
        self, scope: Construct, region: Region, *, recommend: lambda_.IFunction, control_plane: PythonFunction
    ) -> None:
        super().__init__(scope, "batch", region, description="batches of users")
        buckets = [f"arn:{self.partition}:s3:::{bucket}" for bucket in self.settings.batch_buckets]
        machine = BatchWorkflow(
            self,
            "Workflow",
            settings=self.settings,
            artefacts=self.data.artefacts,
            recommend=recommend,
            write_recommendations=self.function("write_recommendations").live,
            exchange_batch=self.function("exchange_batch", arns={"batch_buckets": buckets}).live,
        ).state_machine
        control_plane.permit(
            self,
            "Jobs",
            arns={"batch_machine": machine.state_machine_arn, "batch_runs": executions_of(self, machine)},
        )
        self.data.alerts.alarm(
            self, "BatchFails", failed_runs(machine), "A batch of recommendations failed", runbook="workflows"
        )
        self.publish(batch_state_machine_arn=machine.state_machine_arn)
