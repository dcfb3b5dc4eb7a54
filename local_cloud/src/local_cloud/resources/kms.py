"""KMS keys and aliases."""

import json
from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType


def _create_key(creation: Creation) -> Created:
    properties, kms = creation.properties, creation.clients("kms")
    optional = properties.take("Description", "KeySpec", "KeyUsage", "MultiRegion")
    key = kms.create_key(
        Policy=json.dumps(properties["KeyPolicy"]),
        Tags=creation.tag_list(key="TagKey", value="TagValue"),
        **optional,
    )["KeyMetadata"]
    key_id = key["KeyId"]
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id)
    if not properties.get("Enabled", True):
        kms.disable_key(KeyId=key_id)
    return Created(key_id, {"Arn": key["Arn"], "KeyId": key_id})


def _create_alias(creation: Creation) -> Created:
    name, target = creation.properties["AliasName"], creation.properties["TargetKeyId"]
    creation.clients("kms").create_alias(AliasName=name, TargetKeyId=target)
    return Created(name)


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::KMS::Key": ResourceType(
        _create_key,
        kept={
            "BypassPolicyLockoutSafetyCheck": "the embedded cloud has no users to lock out",
            "RotationPeriodInDays": "moto accepts it but does not store it",
            "PendingWindowInDays": "it concerns the deletion of keys, which are not deleted here",
        },
    ),
    "AWS::KMS::Alias": ResourceType(_create_alias),
}
