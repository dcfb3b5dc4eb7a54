"""Log groups: always our own, never the ones that services make without retention."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.settings import Settings


def log_group(
    scope: Construct, construct_id: str, *, settings: Settings, delivered_by: str | None = None
) -> logs.LogGroup:
    """Create a log group that keeps its lines as long as the environment says, and goes with its stack.

    Parameters
    ----------
    delivered_by
        The service that writes it through log delivery. Its name then starts with ``/aws/vendedlogs/``: for other
        groups the service adds each name to one resource policy of the region, which 5,120 characters limit. See
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    name = f"/aws/vendedlogs/{delivered_by}/{cdk.Stack.of(scope).stack_name}" if delivered_by else None
    group = logs.LogGroup(scope, construct_id, log_group_name=name, removal_policy=cdk.RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The enumeration of the CDK has names like ONE_WEEK only; the settings speak of days.
    resource.retention_in_days = settings.log_retention_days
    return group
