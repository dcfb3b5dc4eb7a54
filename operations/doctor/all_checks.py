"""All checks in their order. An error of AWS makes a check unknown, and the other checks continue.

If the caller's identity cannot be read, no other check runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, TokenRetrievalError

from alsolike.runtime.errors import Unavailable
from operations.doctor import account, deployment
from operations.doctor.account import Clients, error_code
from operations.doctor.deployment import Post
from operations.doctor.finding import Finding, failed, unknown
from operations.doctor.requirements import Needs

ACTIONS = (
    "ce:ListCostAllocationTags",
    "cloudformation:DescribeStacks",
    "cloudformation:ListStackResources",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ecr:BatchGetImage",
    "glue:GetDatabase",
    "glue:GetJob",
    "kafka:DescribeClusterV2",
    "kinesis:DescribeStreamSummary",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "lambda:GetAccountSettings",
    "lambda:GetEventSourceMapping",
    "lambda:GetLayerVersion",
    "logs:DescribeLogGroups",
    "route53:GetHostedZone",
    "s3:ListBucket",
    "sagemaker:DescribeModelPackageGroup",
    "secretsmanager:DescribeSecret",
    "servicequotas:ListServiceQuotas",
    "sns:ListSubscriptionsByTopic",
    "ssm:GetParameter",
    "ssm:GetParameters",
)
"""IAM actions that the checks require."""
_REFUSED_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
)


def examine(needs: Needs, clients: Clients, *, post: Post, configured_region: str | None = None) -> Iterator[Finding]:
    try:
        yield from account.identity(clients, needs)
    except (BotoCoreError, ClientError) as error:
        yield _without_identity(error)
        return
    yield account.region(configured_region, needs)
    found: dict[str, str] = {}
    try:
        found = deployment.deployed_stacks(clients, needs)
    except (BotoCoreError, ClientError) as error:
        yield _undecided("stacks", error)
    is_deployed = any(status in deployment.UPDATABLE for status in found.values())
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("bootstrap stack", lambda: account.bootstrap(clients, needs)),
        ("stacks", lambda: deployment.stacks(needs, found)),
        ("retained names", lambda: deployment.retained_names(clients, needs, found)),
        ("Lambda limits", lambda: account.lambda_limits(clients, needs, is_deployed=is_deployed)),
        ("layer", lambda: account.layers(clients, needs)),
        ("SageMaker quotas", lambda: account.training_quotas(clients, needs)),
        ("Glue capacity", lambda: account.glue_capacity(clients, needs)),
        ("training image", lambda: account.training_image(clients, needs)),
        ("stream shards", lambda: deployment.shards(clients, needs, found)),
        ("buckets", lambda: account.buckets(clients, needs)),
        ("Kafka", lambda: account.kafka(clients, needs)),
        ("KMS key", lambda: account.key(clients, needs)),
        ("API name", lambda: account.api_name(clients, needs)),
    ]
    if is_deployed:
        checks += [
            ("Kafka mapping", lambda: deployment.kafka_mapping(clients, found)),
            ("alarm mail", lambda: deployment.alarm_mail(clients, needs)),
            ("cost allocation tag", lambda: deployment.cost_tags(clients)),
            ("signed requests", lambda: deployment.signed_call(clients, needs, post)),
        ]
    for name, check in checks:
        try:
            yield from check()
        except (BotoCoreError, ClientError, Unavailable) as error:
            yield _undecided(name, error)


def _without_identity(error: BotoCoreError | ClientError) -> Finding:
    refused = isinstance(error, ClientError) and error_code(error) in _REFUSED_CREDENTIALS
    if refused or isinstance(error, NoCredentialsError | TokenRetrievalError):
        advice = "configure credentials: `aws configure`, `aws sso login` or AWS_PROFILE"
        return failed("account", str(error), advice, blocks=True)
    return _undecided("account", error)


def _undecided(check: str, error: BotoCoreError | ClientError | Unavailable) -> Finding:
    if isinstance(error, ClientError) and "denied" in error_code(error).lower():
        return unknown(check, str(error), "allow the action to your credentials, and repeat the command")
    return unknown(check, str(error), "repeat the command")
