"""What lets a run of the workflow begin."""

from constructs import Construct

from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


def training_start(scope: Construct, *, settings: Settings, data: DataStack, layers: PythonLayers) -> PythonFunction:
    """Create the function that says where a run begins."""
    return PythonFunction(
        scope,
        "StartTraining",
        name="start_training",
        description="Says whether a run of the training workflow may go, and where it begins",
        settings=settings,
        layers=[layers.core],
        variables={"ARTEFACT_BUCKET": data.artefacts.bucket_name},
        permissions=[],
        memory_mb=512,
        timeout_s=300,
    )
