"""The function that shows an operator how the deployment does: it reads, and changes nothing."""

import aws_cdk as cdk
from constructs import Construct

from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    ENGAGEMENT_PREFIX,
    FAILED_BATCHES_PREFIX,
    MONITORING_LATEST_KEY,
    OUTCOMES_PREFIX,
    QUARANTINE_PREFIX,
    SNAPSHOT_KEY,
)
from infra_cdk.constructs.configuration import configuration_permissions
from infra_cdk.constructs.http_api import HttpApi
from infra_cdk.constructs.key_access import key_permissions
from infra_cdk.constructs.permissions import Permission, objects
from infra_cdk.constructs.python_function import PythonFunction
from infra_cdk.constructs.python_layers import PythonLayers
from infra_cdk.constructs.stored_data import StoredData
from infra_cdk.settings import Settings

_PARTS = ("attribution", "batch", "catalogue", "data", "lake", "observability", "privacy", "serving", "training")

_READ_IN_LAKE = {
    **dict.fromkeys((ENGAGEMENT_PREFIX, ATTRIBUTION_PREFIX, OUTCOMES_PREFIX), "Objects are named after their day"),
    QUARANTINE_PREFIX: "Objects are named after their day, shard and sequence number",
    FAILED_BATCHES_PREFIX: "Lambda names the object of each batch that it gives up on",
}


def observe(
    scope: Construct, construct_id: str, *, settings: Settings, data: StoredData, layers: PythonLayers, api: HttpApi
) -> PythonFunction:
    """Create the function `observe`."""
    parts = (*_PARTS, "pages") if settings.web else _PARTS  # the templates of these stacks state the cost
    return PythonFunction(
        scope,
        construct_id,
        name="observe",
        description="Shows traffic, alarms, engagement, drift, quarantine, experiments, rules and cost to operators",
        settings=settings,
        layers=[layers.core, layers.pandas],
        packages=["cost", "metric_writers.py", "prices.py"],
        data=data,
        values={
            "deployment": settings.name,
            "api_id": api.api_id,
            "stacks": ",".join(f"alsolike-{settings.name}-{part}" for part in parts),
        },
        permissions=[
            *key_permissions(data),
            Permission(
                actions=["cloudwatch:GetMetricData"],
                resources=["*"],
                wildcard_reason="CloudWatch's metrics have no resources: reading them can be granted on * only",
            ),
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
            Permission(
                actions=["cloudwatch:DescribeAlarms"],
                resources=["*"],
                wildcard_reason="CloudWatch tells of composite alarms only whom it may tell of all",
            ),
            # Without it S3 answers 403 for an object that does not exist; see configuration_permissions.
            Permission(actions=["s3:ListBucket"], resources=[data.lake.bucket_arn]),
            *(
                objects(data.lake, prefix, actions=["s3:GetObject"], reason=reason)
                for prefix, reason in _READ_IN_LAKE.items()
            ),
            Permission(
                actions=["s3:GetObject"],
                resources=[
                    data.artefacts.arn_for_objects(MONITORING_LATEST_KEY),
                    data.artefacts.arn_for_objects(SNAPSHOT_KEY),
                ],
            ),
            *(
                Permission(
                    actions=["cloudformation:GetTemplate"],
                    resources=[
                        cdk.Stack.of(scope).format_arn(
                            service="cloudformation",
                            resource="stack",
                            resource_name=f"alsolike-{settings.name}-{part}/*",
                        )
                    ],
                    wildcard_reason="CloudFormation numbers each stack",
                )
                for part in parts
            ),
            *configuration_permissions(data.artefacts),
        ],
        memory_mb=1_769,
        # The API waits for 30 s.
        timeout_s=29,
    )
