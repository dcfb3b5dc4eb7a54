"""Permissions on KMS keys that a caller needs for requests to encrypted resources.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local_cloud.deployment import Deployment
from local_cloud.permissions.operations import Place
from local_cloud.permissions.policy import Need

_DECRYPT: Final = ("kms:Decrypt",)
_ENCRYPT: Final = ("kms:GenerateDataKey",)
_ON_KEY: Final[Mapping[str, tuple[str, ...]]] = {
    "s3:GetObject": _DECRYPT,
    "s3:GetObjectVersion": _DECRYPT,
    "s3:PutObject": _ENCRYPT,
    **dict.fromkeys(
        (
            f"dynamodb:{call}"
            for call in (
                "GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
                "ConditionCheckItem", "GetRecords",
            )
        ),
        _DECRYPT,
    ),
    "kinesis:PutRecord": _ENCRYPT,
    "kinesis:PutRecords": _ENCRYPT,
    "kinesis:GetRecords": _DECRYPT,
    "secretsmanager:GetSecretValue": _DECRYPT,
}  # fmt: skip
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
        """Yield the additional permissions on the key that encrypts the resource of `need`."""
        key = self._keys.get(_owner(need.resource)) if self._keys and need.action in _ON_KEY else None
        if key is None:
            return
        service = need.action.partition(":")[0]
        via = (f"{service}.{self._region}.amazonaws.com",)
        for action in _ON_KEY[need.action]:
            yield Need(action, key, context=lambda: {"kms:ViaService": via})


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
