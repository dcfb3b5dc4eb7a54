"""What tries a version beside the champion."""

from constructs import Construct

from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.settings import Settings
from infra_cdk.stacks.data import DataStack


def canary(scope: Construct, *, settings: Settings, data: DataStack, layers: PythonLayers) -> PythonFunction:
    """Create the function that starts, looks at and ends canaries."""
    artefacts = data.artefacts
    return PythonFunction(
        scope,
        "RunCanary",
        name="run_canary",
        description="Tries a version beside the champion, then promotes it or takes it back",
        settings=settings,
        layers=[layers.core],
        variables={"ARTEFACT_BUCKET": artefacts.bucket_name},
        permissions=[
            Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
            objects(artefacts, "models/", actions=["s3:GetObject"], reason="Each version has its own names"),
            Permission(
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[artefacts.arn_for_objects("registry/champion.json")],
            ),
        ],
        memory_mb=1_024,
        timeout_s=300,
    )
