"""Permissions to read tombstones and to hash ids."""

from collections.abc import Mapping

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from alsolike.declarations.storage import TOMBSTONES_KEY
from infra_cdk.constructs.permissions import Permission
from infra_cdk.settings import Settings


def tombstone_variables(
    *, artefacts: s3.IBucket, hash_key: secretsmanager.ISecret, settings: Settings
) -> Mapping[str, str]:
    """Return the variables: where tombstones and secret are, and how often the former are looked at."""
    return {
        "ARTEFACT_BUCKET": artefacts.bucket_name,
        "SECRET_ARN": hash_key.secret_arn,
        "TOMBSTONE_CHECK_S": str(settings.tombstone_check_s),
    }


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
