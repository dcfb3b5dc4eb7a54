"""Permissions to read the configuration."""

from aws_cdk import aws_s3 as s3

from alsolike.declarations.storage import CONFIGURATION_KEY
from infra_cdk.constructs.permissions import Permission


def configuration_permissions(artefacts: s3.IBucket) -> list[Permission]:
    """Return the permissions: to read the one object, and to list the bucket.

    Without the permission to list a bucket, S3 answers 403, not 404, for an object that does not exist:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
    """
    return [
        Permission(actions=["s3:GetObject"], resources=[artefacts.arn_for_objects(CONFIGURATION_KEY)]),
        Permission(actions=["s3:ListBucket"], resources=[artefacts.bucket_arn]),
    ]
