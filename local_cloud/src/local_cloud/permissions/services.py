"""Permissions that Lambda needs from a function's role. The embedded cloud acts for Lambda and only checks them.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local_cloud.deployment import Deployment, Resource
from local_cloud.permissions.policy import Need

_READS: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": ("DescribeStream", "GetRecords", "GetShardIterator"),
    "kinesis": ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"),
    "sqs": ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage"),
}
"""Actions on event sources, by service."""
_SENDS: Final[Mapping[str, str]] = {
    "events": "PutEvents",
    "lambda": "InvokeFunction",
    "sns": "Publish",
    "sqs": "SendMessage",
}
"""Action on destinations, by service."""


def lambda_needs(deployment: Deployment) -> Iterator[tuple[Resource, str, Need]]:
    """Yield the function, mapping or configuration that requires a permission, the role's ARN, and the permission."""
    roles: dict[str, str] = {}
    for function in deployment.of_type("AWS::Lambda::Function"):
        name, properties = function.physical_id, function.properties
        roles[name] = role = properties["Role"]
        for need in _log_needs(function):
            yield function, role, need
        if target := (properties.get("DeadLetterConfig") or {}).get("TargetArn"):
            yield from ((function, role, need) for need in _destination_needs(target))
    for mapping in deployment.of_type("AWS::Lambda::EventSourceMapping"):
        role = roles[_function_name(mapping)]
        for need in _source_needs(mapping.properties):
            yield mapping, role, need
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"):
        for configured in deployment.of_type(kind):
            for destination in (configured.properties.get("DestinationConfig") or {}).values():
                for need in _destination_needs(destination["Destination"]):
                    yield configured, roles[_function_name(configured)], need


def _function_name(resource: Resource) -> str:
    """Return the name of a function that a property identifies by name, alias or ARN."""
    return str(resource.properties["FunctionName"]).rpartition(":function:")[2].partition(":")[0]


def _log_needs(function: Resource) -> Iterator[Need]:
    group = (function.properties.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{function.physical_id}"
    place = ":".join(function.attributes["Arn"].split(":")[3:5])
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, f"arn:aws:logs:{place}:log-group:{group}:log-stream:any")


def _source_needs(properties: Mapping[str, Any]) -> Iterator[Need]:
    for access in properties.get("SourceAccessConfigurations", ()):
        if access["URI"].startswith("arn:aws:secretsmanager:"):
            yield Need("secretsmanager:GetSecretValue", access["URI"])
    if source := properties.get("EventSourceArn"):
        service = source.split(":")[2]
        yield from (Need(f"{service}:{action}", source) for action in _READS[service])
        if service == "dynamodb":
            yield Need("dynamodb:ListStreams", "*")


def _destination_needs(arn: str) -> Iterator[Need]:
    service = arn.split(":")[2]
    if service == "s3":  # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
        yield Need("s3:PutObject", f"{arn}/aws/lambda/any")
        yield Need("s3:ListBucket", arn)
    else:
        yield Need(f"{service}:{_SENDS[service]}", arn)
