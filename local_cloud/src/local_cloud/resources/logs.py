"""CloudWatch Logs: groups, filters, subscriptions and resource policies."""

import json
from collections.abc import Mapping
from typing import Any, Final

from local_cloud.resources.properties import PropertyError
from local_cloud.resources.resource_type import Created, Creation, ResourceType, camel_case
from local_cloud.telemetry.filter_patterns import read_pattern


def _create_log_group(creation: Creation) -> Created:
    properties, logs = creation.properties, creation.clients("logs")
    name = creation.name("LogGroupName", limit=512)
    creation.call("logs", "create_log_group", logGroupName=name)
    if "RetentionInDays" in properties:
        logs.put_retention_policy(logGroupName=name, retentionInDays=properties["RetentionInDays"])
    return Created(name, {"Arn": creation.arn("logs", f"log-group:{name}:*")})


def _create_metric_filter(creation: Creation) -> Created:
    name = creation.name("FilterName", limit=512)
    metrics = [_transformation(transformation) for transformation in creation.properties["MetricTransformations"]]
    creation.call("logs", "put_metric_filter", filterName=name, metricTransformations=metrics)
    return Created(name)


def _transformation(transformation: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = camel_case({**transformation, "Dimensions": None})
    del answer["dimensions"]
    if dimensions := transformation.get("Dimensions"):
        answer["dimensions"] = {dimension["Key"]: dimension["Value"] for dimension in dimensions}
    return answer


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


def _create_resource_policy(creation: Creation) -> Created:
    name = creation.properties["PolicyName"]
    document = creation.properties["PolicyDocument"]
    creation.clients("logs").put_resource_policy(
        policyName=name, policyDocument=document if isinstance(document, str) else json.dumps(document)
    )
    return Created(name)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Logs::LogGroup": ResourceType(
        _create_log_group,
        kept={
            "LogGroupClass": "moto has one class of log group",
            "DataProtectionPolicy": "moto masks nothing",
        },
    ),
    "AWS::Logs::MetricFilter": ResourceType(_create_metric_filter),
    "AWS::Logs::SubscriptionFilter": ResourceType(_create_subscription_filter),
    "AWS::Logs::ResourcePolicy": ResourceType(_create_resource_policy),
}
