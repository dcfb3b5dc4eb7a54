"""CloudWatch Logs: groups and subscriptions."""

from local_cloud.resources.properties import PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates
from local_cloud.telemetry.filter_patterns import read_pattern


@creates(
    "AWS::Logs::LogGroup",
    kept={
        "LogGroupClass": "moto has one class of log group",
        "DataProtectionPolicy": "moto masks nothing",
    },
)
def _create_log_group(creation: Creation) -> Created:
    properties, logs = creation.properties, creation.clients("logs")
    name = creation.name("LogGroupName", limit=512)
    creation.call("logs", "create_log_group", logGroupName=name)
    if "RetentionInDays" in properties:
        logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])
    return Created(name, {"Arn": creation.arn("logs", f"log-group:{name}:*")})


@creates("AWS::Logs::SubscriptionFilter")
def _create_subscription_filter(creation: Creation) -> Created:
    properties = creation.properties
    pattern = properties["FilterPattern"]
    try:
        read_pattern(pattern)
    except ValueError as error:
        raise PropertyError(properties.path_of("FilterPattern"), str(error)) from error
    name = creation.name("FilterName", limit=512)
    creation.call("logs", "put_subscription_filter", filterName=name, filterPattern=pattern)
    return Created(name)
