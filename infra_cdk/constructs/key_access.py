"""Permissions to verify signed requests."""

from infra_cdk.constructs.permissions import Permission
from infra_cdk.constructs.stored_data import StoredData


def key_permissions(data: StoredData) -> list[Permission]:
    """Return the permissions to read keys, to decrypt their secrets, and to write the day of their last use."""
    return [
        Permission(actions=["dynamodb:GetItem"], resources=[data.keys.table_arn]),
        Permission(
            actions=["dynamodb:UpdateItem"],
            resources=[data.keys.table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:Attributes": ["key_id", "last_used"]}},
        ),
        Permission(actions=["kms:Decrypt"], resources=[data.keys_encryption.key_arn]),
    ]
