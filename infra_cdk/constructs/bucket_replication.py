"""Replication of a bucket's objects to the same deployment's bucket in another region."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.storage import (
    ACTIONS_KEY,
    CATALOG_PREFIX,
    CONFIGURATION_PREFIX,
    DATASETS_PREFIX,
    FORWARDED_ERASURES_PREFIX,
    MODELS_PREFIX,
    REGISTRY_PREFIX,
)
from infra_cdk.constructs.permissions import Permission, add_policy

LAKE = ("",)
"""Replicated prefixes of the lake: all objects, in both directions."""
ARTEFACTS_FROM_PRIMARY = (
    CATALOG_PREFIX,
    CONFIGURATION_PREFIX,
    DATASETS_PREFIX,
    FORWARDED_ERASURES_PREFIX,
    MODELS_PREFIX,
    REGISTRY_PREFIX,
)
ARTEFACTS_FROM_REPLICA = (ACTIONS_KEY, CONFIGURATION_PREFIX, FORWARDED_ERASURES_PREFIX, REGISTRY_PREFIX)
"""Replicated prefixes of the replica's artefacts: forwarded erasures, and objects that operators write during an outage
of the primary.
"""

_EACH = "S3 replicates objects of any key"


class Replication(Construct):
    """Replication rules of a bucket with metrics, and the role that S3 assumes.

    S3 does not replicate objects that are replicas themselves, so rules in both directions do not form a loop. `keys`
    are the ARNs of the keys that encrypt this bucket and the other bucket; None for keys of S3.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.Bucket,
        to_bucket: str,
        to_region: str,
        prefixes: Sequence[str],
        keys: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        destination = f"arn:{bucket.stack.partition}:s3:::{to_bucket}"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("s3.amazonaws.com"),
            description="Replication of a bucket to another region",
        )
        # The policy is separate, because the bucket refers to the role, and the policy to the bucket.
        add_policy(
            self,
            "Policy",
            role=role,
            permissions=[
                Permission(["s3:GetReplicationConfiguration", "s3:ListBucket"], [bucket.bucket_arn]),
                Permission(
                    [
                        "s3:GetObjectVersionAcl",
                        "s3:GetObjectVersionForReplication",
                        "s3:GetObjectVersionTagging",
                    ],
                    [bucket.arn_for_objects("*")],
                    _EACH,
                ),
                Permission(
                    ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"], [f"{destination}/*"], _EACH
                ),
                *_key_permissions(keys, regions=(bucket.stack.region, to_region)),
            ],
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
            role=role.role_arn,
            rules=[
                s3.CfnBucket.ReplicationRuleProperty(
                    id=prefix or "all",
                    status="Enabled",
                    priority=priority,
                    filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=prefix),
                    delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Enabled"),
                    source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                        sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
                    )
                    if keys
                    else None,
                    destination=s3.CfnBucket.ReplicationDestinationProperty(
                        bucket=destination,
                        metrics=s3.CfnBucket.MetricsProperty(status="Enabled"),
                        encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                            replica_kms_key_id=keys[1]
                        )
                        if keys
                        else None,
                    ),
                )
                for priority, prefix in enumerate(prefixes, start=1)
            ],
        )


def _key_permissions(keys: tuple[str, str] | None, *, regions: tuple[str, str]) -> list[Permission]:
    """Return the permissions to decrypt objects and to encrypt their replicas.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    """
    if keys is None:
        return []
    return [
        Permission(
            actions,
            [key],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.{cdk.Aws.URL_SUFFIX}"}},
        )
        for actions, key, region in zip(
            (["kms:Decrypt"], ["kms:Encrypt", "kms:GenerateDataKey"]), keys, regions, strict=True
        )
    ]
