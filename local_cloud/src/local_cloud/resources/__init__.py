"""Resource types that the embedded cloud can deploy, with a module per service."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources import (
    apigateway,
    apigatewayv2,
    audit,
    budgets,
    cloudfront,
    cloudwatch,
    codedeploy,
    cognito,
    domain_names,
    dynamodb,
    ec2,
    events,
    functions,
    glue,
    iam,
    kinesis,
    kms,
    logs,
    s3,
    sagemaker,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
    stepfunctions,
    wafv2,
)
from local_cloud.resources.resource_type import ResourceType

_SERVICES = (
    apigateway, apigatewayv2, audit, budgets, cloudfront, cloudwatch, codedeploy, cognito, dynamodb, ec2, events,
    functions, glue, iam, kinesis, kms, logs, domain_names, s3, sagemaker, scheduler, secretsmanager, sns, sqs, ssm,
    stepfunctions, wafv2,
)  # fmt: skip

RESOURCE_TYPES: Final[Mapping[str, ResourceType]] = {
    name: resource_type for service in _SERVICES for name, resource_type in service.TYPES.items()
}
