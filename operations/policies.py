"""Least-privilege policies of an operator, who runs the commands on a deployment, and of a deployer.

A deployer runs `alsolike doctor`, `cdk diff` and `cdk deploy`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alsolike.declarations.parameters import TREE
from operations.client.deployment import Deployment
from operations.doctor import ACTIONS

_OBJECTS = (
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject",
)  # fmt: skip
_BUCKETS = ("s3:ListBucket", "s3:ListBucketVersions")
_TABLES = (
    "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable",
    "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
)  # fmt: skip
_WITHOUT_RESOURCE = (
    "cloudformation:DescribeStacks", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics",
    "lambda:ListFunctions",
)  # fmt: skip
"""Actions that the commands call without naming a resource."""


def operator_policy(deployment: Deployment) -> dict[str, Any]:
    """Return the policy for all commands except `up`, `doctor`, `policy` and `destroy`."""
    return {"Version": "2012-10-17", "Statement": list(_statements(deployment))}


def _statements(deployment: Deployment) -> Iterator[dict[str, Any]]:
    names, prefix = deployment.names, f"alsolike-{deployment.environment}"
    partition, account = (names.state_machine_arn.split(":")[place] for place in (1, 4))

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{names.region}:{account}:{resource}"

    buckets = [
        f"arn:{partition}:s3:::{name}" for name in (names.lake_bucket, names.artefact_bucket, names.web_bucket) if name
    ]
    machines = [names.state_machine_arn, names.erasure_state_machine_arn, names.batch_state_machine_arn]
    tables = (names.profiles_table, names.catalogue_table, names.users_table, names.keys_table)
    yield _allow("Objects", _OBJECTS, [f"{bucket}/*" for bucket in buckets])
    yield _allow("Buckets", _BUCKETS, buckets)
    yield _allow("Tables", _TABLES, [arn("dynamodb", f"table/{table}") for table in tables])
    yield _allow("Parameters", ("ssm:GetParametersByPath",), [arn("ssm", f"parameter{TREE}/{deployment.environment}")])
    yield _allow(
        "Stream",
        ("kinesis:DescribeStreamSummary", "kinesis:PutRecords"),
        [arn("kinesis", f"stream/{names.stream_name}")],
    )
    yield _allow("Keys", ("kms:Decrypt", "kms:Encrypt"), [names.keys_encryption_arn])
    if names.kms_key_arn:
        yield _allow("Encryption", ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), [names.kms_key_arn])
    yield _allow("Secrets", ("secretsmanager:GetSecretValue",), [names.hash_key_arn, names.session_key_arn])
    yield _allow("Workflows", ("states:ListExecutions", "states:StartExecution"), machines)
    yield _allow(
        "Executions",
        ("states:DescribeExecution", "states:GetExecutionHistory"),
        [f"{machine.replace(':stateMachine:', ':execution:')}:*" for machine in machines],
    )
    yield _allow("Stacks", ("cloudformation:ListStackResources",), [arn("cloudformation", f"stack/{prefix}-*")])
    yield _allow("Functions", ("lambda:InvokeFunction",), [arn("lambda", f"function:{prefix}-*")])
    yield _allow(
        "Logs",
        ("logs:FilterLogEvents", "logs:GetLogEvents"),
        [arn("logs", f"log-group:{prefix}-*"), arn("logs", "log-group:/aws/sagemaker/TrainingJobs:*")],
    )
    yield _allow("Training", ("sagemaker:DescribeTrainingJob",), [arn("sagemaker", f"training-job/{prefix}-*")])
    group = names.model_package_group
    yield _allow("Versions", ("sagemaker:ListModelPackages",), [arn("sagemaker", f"model-package-group/{group}")])
    yield _allow("Approvals", ("sagemaker:UpdateModelPackage",), [arn("sagemaker", f"model-package/{group}/*")])
    yield _allow(
        "SignIn",
        ("cognito-idp:DescribeUserPoolClient", "cognito-idp:UpdateUserPoolClient"),
        [arn("cognito-idp", f"userpool/{names.user_pool_id}")],
    )
    yield _allow("Overview", _WITHOUT_RESOURCE, ["*"])


def _allow(name: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}


def deployer_policy(directory: Path, *, account: str, partition: str = "aws") -> dict[str, Any]:
    # The CDK's command line only assumes roles of the bootstrap stack. CloudFormation's execution role creates the
    # resources.
    roles = {
        role.replace("${AWS::Partition}", partition).replace("${AWS::AccountId}", account)
        for path in sorted(directory.glob("*.json"))
        if path.name == "manifest.json" or path.name.endswith(".assets.json")
        for role in _roles(json.loads(path.read_bytes()))
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Deploy", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": sorted(roles)},
            {"Sid": "Doctor", "Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"},
        ],
    }


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "assumeRoleArn":
                yield part
            elif key == "lookupRole":
                yield part["arn"]
            else:
                yield from _roles(part)
    elif isinstance(value, list):
        for part in value:
            yield from _roles(part)
