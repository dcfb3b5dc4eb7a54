"""Step Functions workflow and function of an import job of Amazon Personalize."""

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.state_machine import state_machine
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.constructs.workflow_steps import Attempts, call
from infra_cdk.settings import Settings

# A Lambda function runs for at most 15 minutes. A retried call continues the import.
_IMPORT = Attempts(timeout_s=960, first_pause_s=5, retries=5)
_TRANSIENT = ("Unavailable", "Sandbox.Timedout", "States.Timeout")


class ImportWorkflow(Construct):
    """State machine with the input ``{"job", "dataset", "location"}``."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, data: StoredData, layers: PythonLayers
    ) -> None:
        super().__init__(scope, construct_id)
        partition = cdk.Stack.of(self).partition
        import_data = PythonFunction(
            self,
            "import_data",
            settings=settings,
            layers=layers,
            data=data,
            arns={"import_buckets": [f"arn:{partition}:s3:::{bucket}" for bucket in settings.import_buckets]},
        ).live
        imported = call(
            self,
            "Import",
            import_data,
            _IMPORT,
            payload={name: sfn.JsonPath.string_at(f"$.{name}") for name in ("job", "dataset", "location")},
            fields=("imported", "rejected", "reasons"),
            result_path="$.rows",
            transient=_TRANSIENT,
        )
        self.state_machine, _ = state_machine(
            self,
            imported,
            settings=settings,
            description="permissions of the import workflow",
            permissions=[Permission(actions=["lambda:InvokeFunction"], resources=[import_data.function_arn])],
            timeout=cdk.Duration.seconds(_IMPORT.longest_s),
        )
