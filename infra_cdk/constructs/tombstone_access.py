"""Permissions to read tombstones and to hash ids."""

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from alsolike.declarations.storage import TOMBSTONES_KEY
from infra_cdk.constructs.permissions import Permission


def tombstone_permissions(*, artefacts: s3.IBucket, hash_key: secretsmanager.ISecret) -> list[Permission]:
    """Return the permissions to read the tombstones, to learn that there are none yet, and to read the secret."""
    return [
        Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(TOMBSTONES_KEY)]),
        Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
        hash_key_permission(hash_key),
    ]


def hash_key_permission(hash_key: secretsmanager.ISecret) -> Permission:
    """Permit to read the secret of the keyed hashes."""
    return Permission(actions=["secretsmanager:GetSecretValue"], resources=[hash_key.secret_arn])
