"""Encryption of stored data with a KMS key per region, which the setting `kms_key_arn` names or creates."""

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.constructs.permissions import add_inline_policy, allowed_actions, colon_arn
from infra_cdk.settings import CREATE, Settings

_DECRYPT, _DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
_TABLE_WRITE = (_DECRYPT, "kms:DescribeKey", "kms:Encrypt", _DATA_KEY)
_TABLE_READ = (_DECRYPT, "kms:DescribeKey")

KEY_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "s3:GetObject": (_DECRYPT,),
    "s3:GetObjectVersion": (_DECRYPT,),
    # S3 decrypts the parts of a multipart upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    "s3:PutObject": (_DECRYPT, _DATA_KEY),
    **dict.fromkeys((f"dynamodb:{call}" for call in ("GetItem", "BatchGetItem", "Query", "Scan")), _TABLE_READ),
    **dict.fromkeys(
        (f"dynamodb:{call}" for call in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")), _TABLE_WRITE
    ),
    "dynamodb:GetRecords": (_DECRYPT,),
    # https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
    "kinesis:PutRecord": (_DATA_KEY,),
    "kinesis:PutRecords": (_DATA_KEY,),
    "kinesis:GetRecords": (_DECRYPT,),
    "secretsmanager:GetSecretValue": (_DECRYPT,),
    # For the volume: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    "sagemaker:CreateTrainingJob": ("kms:CreateGrant", "kms:DescribeKey"),
}
"""Actions on the key that a caller needs for an action on an encrypted resource."""


def encryption_key(
    scope: Construct, construct_id: str, *, settings: Settings, removal_policy: cdk.RemovalPolicy
) -> kms.IKey | None:
    if settings.kms_key_arn is None:
        return None
    if settings.kms_key_arn != CREATE:
        return kms.Key.from_key_arn(scope, construct_id, settings.kms_key_arn)
    key = kms.Key(
        scope,
        construct_id,
        description=f"Alsolike {settings.name}: encrypts stored data and logs",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
    permit_logs(key, log_groups=colon_arn(scope, "logs", "log-group", "*"), region=settings.region)
    return key


def permit_logs(key: kms.Key, *, log_groups: str, region: str) -> None:
    """Let CloudWatch Logs encrypt log groups with a key.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{region}.amazonaws.com")],
            actions=["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        )
    )


def key_statements(actions: Iterable[str], *, key_arn: str, region: str) -> list[dict[str, object]]:
    """Return the statements on the key that a role with these actions needs, one per service.

    The role may use the key only through the service.
    """
    needed: dict[str, set[str]] = {}
    for action in actions:
        if action in KEY_ACTIONS:
            needed.setdefault(action.partition(":")[0], set()).update(KEY_ACTIONS[action])
    return [
        {
            "Action": sorted(on_key),
            "Effect": "Allow",
            "Resource": key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": f"{service}.{region}.{cdk.Aws.URL_SUFFIX}"}},
        }
        for service, on_key in sorted(needed.items())
    ]


def encrypt(
    stacks: Iterable[cdk.Stack],
    key: kms.IKey,
    *,
    buckets: Iterable[s3.Bucket],
    settings: Settings,
    replica_key_arn: str | None = None,
) -> None:
    """Encrypt the buckets, and all tables, streams, secrets and log groups of a region.

    Roles whose inline policies contain actions of `KEY_ACTIONS` also get permission to use the key. Other buckets keep
    the key of S3: S3 writes no access logs to buckets with a KMS key, and the files of the pages are public.

    Parameters
    ----------
    replica_key_arn
        Key of the second region, which encrypts the replicas of tables and secrets. None for a deployment in one
        region, and for the stacks of the second region.
    """
    arn = key.key_arn
    for bucket in buckets:
        _encrypt_bucket(bucket, arn)
    for each in (each for stack in stacks for each in stack.node.find_all()):
        match each:
            case logs.CfnLogGroup():
                each.kms_key_id = arn
            case secretsmanager.CfnSecret():
                each.kms_key_id = arn
                if replica_key_arn and each.replica_regions:
                    each.add_property_override("ReplicaRegions.0.KmsKeyId", replica_key_arn)
            case kinesis.CfnStream():
                each.stream_encryption = kinesis.CfnStream.StreamEncryptionProperty(encryption_type="KMS", key_id=arn)
                acknowledge(
                    each, finding="AwsSolutions-KDS3", reason="The setting kms_key_arn asks for a key of the shop"
                )
            case dynamodb.CfnGlobalTable():
                each.add_property_override("SSESpecification", {"SSEEnabled": True, "SSEType": "KMS"})
                for number, region in enumerate(_regions(each)):
                    of_region = arn if region == settings.region else replica_key_arn
                    each.add_property_override(f"Replicas.{number}.SSESpecification", {"KMSMasterKeyId": of_region})
            case iam.CfnRole():
                _permit_key(each, arn, region=settings.region)


def _regions(table: dynamodb.CfnGlobalTable) -> list[str]:
    return [replica["region"] for replica in cdk.Stack.of(table).resolve(table.replicas)]


def _encrypt_bucket(bucket: s3.Bucket, key_arn: str) -> None:
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.bucket_encryption = s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                # S3 then calls KMS for a caller once in several minutes instead of once per object.
                bucket_key_enabled=True,
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm="aws:kms", kms_master_key_id=key_arn
                ),
            )
        ]
    )


def _permit_key(role: iam.CfnRole, key_arn: str, *, region: str) -> None:
    """Add a policy with the actions on the key that the actions in the role's other inline policies require."""
    if statements := key_statements(allowed_actions(role), key_arn=key_arn, region=region):
        add_inline_policy(role, "encryption", statements)
