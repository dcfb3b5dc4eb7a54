"""Log groups: always our own, never the ones that services make without retention."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.settings import Settings


def log_group(scope: Construct, construct_id: str, *, settings: Settings) -> logs.LogGroup:
    """Create a log group that keeps its lines as long as the environment says, and goes with its stack."""
    group = logs.LogGroup(scope, construct_id, removal_policy=cdk.RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The enumeration of the CDK has names like ONE_WEEK only; the settings speak of days.
    resource.retention_in_days = settings.log_retention_days
    return group
