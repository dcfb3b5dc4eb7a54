"""CloudTrail trail of reads and writes of objects with personal data."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.retention import AUDIT_TRAIL_DAYS
from infra_cdk.constructs.buckets import removal_policy
from infra_cdk.constructs.nag_suppressions import acknowledge
from infra_cdk.settings import Settings


class AuditTrail(Construct):
    """Trail with a bucket of its own. Each event has the caller, the time and the key of an object."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, buckets: Sequence[s3.IBucket]
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        # A fixed name avoids a circular dependency: the bucket policy contains the ARN of the trail, and the trail
        # needs the policy.
        name = f"alsolike-{settings.name}"
        self.bucket = self._bucket(settings)
        arn = stack.format_arn(service="cloudtrail", resource="trail", resource_name=name)
        policy = self._permit(arn)
        trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=name,
            is_logging=True,
            s3_bucket_name=self.bucket.bucket_name,
            enable_log_file_validation=True,
            advanced_event_selectors=[
                cloudtrail.CfnTrail.AdvancedEventSelectorProperty(
                    name="Objects with personal data",
                    field_selectors=[
                        _field("eventCategory", equal_to=["Data"]),
                        _field("resources.type", equal_to=["AWS::S3::Object"]),
                        _field("resources.ARN", starts_with=[f"{bucket.bucket_arn}/" for bucket in buckets]),
                    ],
                )
            ],
        )
        trail.node.add_dependency(policy)

    def _bucket(self, settings: Settings) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(AUDIT_TRAIL_DAYS), noncurrent_version_expiration=cdk.Duration.days(1)
                )
            ],
            removal_policy=removal_policy(settings),
        )
        acknowledge(
            bucket,
            finding="AwsSolutions-S1",
            reason="Only CloudTrail writes to the bucket, and the digest files of the trail show changes",
        )
        return bucket

    def _permit(self, trail_arn: str) -> s3.BucketPolicy:
        """Let CloudTrail write the files of the trail.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
        """
        account = cdk.Stack.of(self).account
        for actions, resource, conditions in (
            (["s3:GetBucketAcl"], self.bucket.bucket_arn, {}),
            (
                ["s3:PutObject"],
                self.bucket.arn_for_objects(f"AWSLogs/{account}/*"),
                {"s3:x-amz-acl": "bucket-owner-full-control"},
            ),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                    actions=actions,
                    resources=[resource],
                    conditions={"StringEquals": {"aws:SourceArn": trail_arn, **conditions}},
                )
            )
        policy = self.bucket.policy
        assert policy is not None
        return policy


def _field(
    name: str, *, equal_to: list[str] | None = None, starts_with: list[str] | None = None
) -> cloudtrail.CfnTrail.AdvancedFieldSelectorProperty:
    return cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(field=name, equal_to=equal_to, starts_with=starts_with)
