"""Permissions on KMS keys that a caller needs for requests to encrypted resources.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local_cloud.deployment import Deployment
from local_cloud.permissions.operations import Place
from local_cloud.permissions.policy import Need

_ON_KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("s3:PutObject", "kinesis:PutRecord", "kinesis:PutRecords"), "kms:GenerateDataKey"),
    **dict.fromkeys(
        (
            "s3:GetObject", "s3:GetObjectVersion", "kinesis:GetRecords", "secretsmanager:GetSecretValue",
            "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem",
            "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
            "dynamodb:GetRecords",
        ),
        "kms:Decrypt",
    ),
}  # fmt: skip
"""Action that is required on the key of an encrypted resource, by action on the resource."""
_RANDOM_END: Final = re.compile(r"-[A-Za-z0-9?]{6}$")
"""End of a secret's ARN. Requests may name a secret without it."""


class Encryption:
    """Keys of the encrypted buckets, tables, streams and secrets of a deployment. Aliases of keys are ignored."""

    def __init__(self, deployment: Deployment, place: Place) -> None:
        self._region = place.region
        own = {key.physical_id: key.attributes["Arn"] for key in deployment.of_type("AWS::KMS::Key")}
        self._keys = {
            resource: own.get(key, key) for resource, key in _encrypted(deployment) if key in own or ":key/" in key
        }

    def needs(self, need: Need) -> Iterator[Need]:
        """Yield the additional permission on the key that encrypts the resource of `need`."""
        action = _ON_KEY.get(need.action)
        if action and (key := self._keys.get(_owner(need.resource))):
            via = f"{need.action.partition(':')[0]}.{self._region}.amazonaws.com"
            yield Need(action, key, context=lambda: {"kms:ViaService": (via,)})


def _owner(resource: str) -> str:
    """Return the bucket of an object, the table of an index or a stream, or the secret without its random end."""
    arn, _, rest = resource.partition("/")
    service = resource.split(":")[2] if resource.startswith("arn:") else ""
    if service == "secretsmanager":
        return _RANDOM_END.sub("", resource)
    return f"{arn}/{rest.partition('/')[0]}" if service in ("dynamodb", "kinesis") else arn


def _encrypted(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield each encrypted resource with the key in its template."""
    for bucket in deployment.of_type("AWS::S3::Bucket"):
        for rule in bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
            if key := rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
                yield bucket.attributes["Arn"], key
    for table in deployment.of_type("AWS::DynamoDB::Table"):
        yield from _with_key(table.attributes["Arn"], table.properties.get("SSESpecification", {}))
    for table in deployment.of_type("AWS::DynamoDB::GlobalTable"):
        for replica in table.properties["Replicas"]:
            yield from _with_key(table.attributes["Arn"], replica.get("SSESpecification", {}))
    for stream in deployment.of_type("AWS::Kinesis::Stream"):
        if key := stream.properties.get("StreamEncryption", {}).get("KeyId"):
            yield stream.attributes["Arn"], key
    for secret in deployment.of_type("AWS::SecretsManager::Secret"):
        if key := secret.properties.get("KmsKeyId"):
            yield _owner(secret.physical_id), key


def _with_key(table_arn: str, encryption: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if key := encryption.get("KMSMasterKeyId"):
        yield table_arn, key
