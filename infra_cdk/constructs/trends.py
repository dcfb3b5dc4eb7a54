"""Permissions to write and to read trend counters."""

from aws_cdk import aws_s3 as s3

from alsolike.declarations.storage import TRENDS_PREFIX
from infra_cdk.constructs.permissions import Permission, objects

BATCH_SIZE = 10_000
"""Lambda's limit: however many come in during a window, they are one write."""


def trends_permission(artefacts: s3.IBucket, *, writes: bool = False) -> Permission:
    """Permit to read the counters, and to write them; who reads them needs to list the bucket as well."""
    return objects(
        artefacts,
        TRENDS_PREFIX,
        # S3 asks a conditional write for the permission to read, too.
        actions=["s3:GetObject", "s3:PutObject"] if writes else ["s3:GetObject"],
        reason="Objects are named after the shards of the stream",
    )
