"""Resource types that the embedded cloud can deploy."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources import (
    apigateway,
    budgets,
    cloudfront,
    cognito,
    dynamodb,
    events,
    functions,
    glue,
    iam,
    identifiers,
    kinesis,
    kms,
    logs,
    operations,
    s3,
    secretsmanager,
    sns,
    sqs,
    stepfunctions,
)
from local_cloud.resources.resource_type import ResourceType

_MODULES = (
    apigateway, budgets, cloudfront, cognito, dynamodb, events, functions, glue, iam, identifiers, kinesis,
    kms, logs, operations, s3, secretsmanager, sns, sqs, stepfunctions,
)  # fmt: skip

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = {
    name: resource_type for module in _MODULES for name, resource_type in module.TYPES.items()
}
