"""Log groups with a retention. AWS services create log groups without a retention."""

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.settings import Settings


def log_group(
    scope: Construct, construct_id: str, *, settings: Settings, delivered_by: str | None = None
) -> logs.LogGroup:
    """Create a log group with the environment's retention. A deletion of the stack deletes the group.

    Parameters
    ----------
    delivered_by
        Service that writes to the group by log delivery. The group's name then starts with `/aws/vendedlogs/`. Other
        names would be added to a resource policy, which is limited to 5,120 characters:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    name = f"/aws/vendedlogs/{delivered_by}/{cdk.Stack.of(scope).stack_name}" if delivered_by else None
    group = logs.LogGroup(scope, construct_id, log_group_name=name, removal_policy=cdk.RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    # The CDK's enumeration has names such as ONE_WEEK, but the setting is a number of days.
    resource.retention_in_days = settings.log_retention_days
    return group
