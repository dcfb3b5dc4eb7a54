"""Permissions of a role: hand-written statements, with a reason for each wildcard in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra_cdk.constructs.nag_suppressions import acknowledge_wildcard


@dataclass(frozen=True, slots=True)
class Permission:
    """A statement of a role's policy.

    Attributes
    ----------
    resources
        ARNs, narrow.
    wildcard_reason
        Why the resources have a ``*``, if they have.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    wildcard_reason: str | None = None
    conditions: Mapping[str, Mapping[str, str | Sequence[str]]] = field(default_factory=dict)


def objects(bucket: s3.IBucket, prefix: str, *, actions: Sequence[str], reason: str, suffix: str = "") -> Permission:
    """Permit actions on a bucket's objects of a prefix and a suffix; `reason` says why not on single objects."""
    # Stated as an import even before the CDK makes it one: cdk-nag's finding has the export's name in it.
    producer = cdk.Stack.of(bucket)
    return Permission(
        actions=actions,
        resources=[f"{producer.export_value(bucket.bucket_arn)}/{prefix}*{suffix}"],
        wildcard_reason=reason,
    )


def failure_destination(bucket: s3.IBucket) -> list[Permission]:
    """Permit Lambda to keep in a bucket what a function gives up.

    Lambda writes below ``aws/lambda/`` only. AWS documents the permission for the whole bucket, and whether Lambda
    accepts a narrower one when it creates the destination is not documented:
    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """
    return [
        objects(bucket, "", actions=["s3:PutObject"], reason="AWS documents the permission for the whole bucket"),
        Permission(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]),
    ]


def model_packages(scope: Construct, group: sagemaker.CfnModelPackageGroup, *, actions: Sequence[str]) -> Permission:
    """Permit actions on the packages of a group."""
    packages = cdk.Stack.of(scope).format_arn(
        service="sagemaker", resource="model-package", resource_name=f"{group.model_package_group_name}/*"
    )
    return Permission(
        actions=actions,
        resources=[packages],
        wildcard_reason="SageMaker numbers the packages of the group as they are created",
    )


def role_for(
    scope: Construct, construct_id: str, *, service: str, description: str, permissions: Sequence[Permission]
) -> iam.Role:
    """Create the role that a service assumes, with these permissions and no others.

    The statements stand in the role itself, so that nothing that assumes it can be created before them.
    """
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(service),
        description=description,
        inline_policies={
            "permissions": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=list(permission.actions),
                        resources=list(permission.resources),
                        conditions=dict(permission.conditions) or None,
                    )
                    for permission in permissions
                ]
            )
        },
    )
    for resource, reasons in _wildcards(permissions).items():
        acknowledge_wildcard(role, resource=resource, reason="; ".join(reasons))
    return role


def _wildcards(permissions: Sequence[Permission]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for permission in permissions:
        for resource in permission.resources:
            if permission.wildcard_reason and "*" in resource:
                reasons.setdefault(resource, []).append(permission.wildcard_reason)
    return reasons
