"""KMS keys."""

import json

from local_cloud.resources.resource_type import Created, Creation, creates


@creates(
    "AWS::KMS::Key",
    kept={
        "BypassPolicyLockoutSafetyCheck": "the embedded cloud has no users to lock out",
        "RotationPeriodInDays": "moto accepts it but does not store it",
        "PendingWindowInDays": "it concerns the deletion of keys, which are not deleted here",
    },
)
def _create_key(creation: Creation) -> Created:
    properties, kms = creation.properties, creation.clients("kms")
    key = creation.call("kms", "create_key", Policy=json.dumps(properties["KeyPolicy"]))["KeyMetadata"]
    key_id = key["KeyId"]
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key_id)
    if not properties.get("Enabled", True):
        kms.disable_key(KeyId=key_id)
    return Created(key_id, {"Arn": key["Arn"], "KeyId": key_id})
