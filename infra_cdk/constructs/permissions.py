"""Policy statements of roles, with a reason for each wildcard."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from alsolike.declarations.manifest import FAILURE_DESTINATION, WRITE, Access
from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, LAKE_PREFIXES
from infra_cdk.constructs.nag_suppressions import acknowledge_wildcard
from infra_cdk.constructs.stored_data import ARNS, StoredData
from infra_cdk.settings import Settings


@dataclass(frozen=True, slots=True)
class Permission:
    """Statement of a role's policy.

    `wildcard_reason` explains `*` in the resources. The acknowledgement of the cdk-nag finding contains this reason.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    wildcard_reason: str | None = None
    conditions: Mapping[str, Mapping[str, str | Sequence[str]]] = field(default_factory=dict)
    effect: iam.Effect = iam.Effect.ALLOW


def colon_arn(scope: Construct, service: str, resource: str, name: str) -> str:
    """Return an ARN of the stack's account and region that ends with `<resource>:<name>`."""
    return cdk.Stack.of(scope).format_arn(
        service=service, resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )


def permissions_of(
    access: Iterable[Access], *, data: StoredData, arns: Mapping[str, str | Sequence[str]] = MappingProxyType({})
) -> list[Permission]:
    """Return the permissions for the access that a manifest declares.

    `arns` has the resources that are not in `data`, by name.
    """
    permissions = []
    for grant in access:
        if grant.resource in arns:
            named = arns[grant.resource]
            resources = [named] if isinstance(named, str) else list(named)
            if grant.keys:
                resources = [f"{bucket}/{key}" for bucket in resources for key in grant.keys]
        elif grant.keys:
            bucket: s3.Bucket = getattr(data, grant.resource)
            resources = [_objects_arn(bucket, key) for key in grant.keys]
        else:
            resources = [ARNS[grant.resource](data)]
        if not resources:  # the setting lists no resources
            continue
        conditions = (
            {"ForAllValues:StringEquals": {"dynamodb:Attributes": list(grant.attributes)}} if grant.attributes else {}
        )
        permissions.append(Permission(grant.actions, resources, grant.reason or None, conditions))
    return permissions


def foreign_prefixes(access: Collection[Access], *, data: StoredData) -> list[Permission]:
    """Return the denial of writes to other functions' prefixes of the lake.

    The list is empty without access by `FAILURE_DESTINATION`, which permits writes to the complete bucket.
    """
    if not set(FAILURE_DESTINATION) <= set(access):
        return []
    own = {
        key for grant in access if grant.resource == "lake" and set(WRITE) & set(grant.actions) for key in grant.keys
    }
    foreign = [prefix for prefix in LAKE_PREFIXES if f"{prefix}*" not in {*own, f"{FAILED_BATCHES_PREFIX}*"}]
    return [Permission(WRITE, [_objects_arn(data.lake, f"{prefix}*") for prefix in foreign], effect=iam.Effect.DENY)]


def objects(bucket: s3.IBucket, prefix: str, *, actions: Sequence[str], reason: str, suffix: str = "") -> Permission:
    return Permission(actions, [_objects_arn(bucket, f"{prefix}*{suffix}")], reason)


def allowed_actions(role: iam.CfnRole) -> list[str]:
    return [
        action
        for policy in cdk.Stack.of(role).resolve(role.policies) or []
        for statement in policy["policyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]


def add_inline_policy(role: iam.CfnRole, name: str, statements: Sequence[Mapping[str, object]]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    existing = role.policies or []
    assert isinstance(existing, list)
    role.policies = [*existing, iam.CfnRole.PolicyProperty(policy_name=name, policy_document=document)]


def asset_key(settings: Settings) -> list[Permission]:
    """Return the permission of a job to decrypt its code, if `bootstrap_kms_key_arn` is set.

    Other deployments need no permission: the key of S3 and the key that `cdk bootstrap` creates let all roles of the
    account read the code.
    """
    if settings.bootstrap_kms_key_arn is None:
        return []
    return [
        Permission(
            actions=["kms:Decrypt"],
            resources=[settings.bootstrap_kms_key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{settings.region}.{cdk.Aws.URL_SUFFIX}"}},
        )
    ]


def _objects_arn(bucket: s3.IBucket, key: str) -> str:
    if "*" not in key:
        return bucket.arn_for_objects(key)
    # cdk-nag's finding contains the name of the export, and its acknowledgement must contain the same name.
    return f"{cdk.Stack.of(bucket).export_value(bucket.bucket_arn)}/{key}"


def role_for(
    scope: Construct, construct_id: str, *, service: str, description: str, permissions: Sequence[Permission]
) -> iam.Role:
    """Create a role that a service assumes, with only the given permissions.

    The statements are inline in the role, so that they exist before any resource uses the role.
    """
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(service),
        description=description,
        inline_policies={"permissions": iam.PolicyDocument(statements=_statements(permissions))},
    )
    _acknowledge_wildcards(role, permissions)
    return role


def add_policy(scope: Construct, construct_id: str, *, role: iam.Role, permissions: Sequence[Permission]) -> None:
    """Add permissions for resources that are created after the role."""
    policy = iam.Policy(scope, construct_id, roles=[role], statements=_statements(permissions))
    _acknowledge_wildcards(policy, permissions)


def _statements(permissions: Sequence[Permission]) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            effect=permission.effect,
            actions=list(permission.actions),
            resources=list(permission.resources),
            conditions=dict(permission.conditions) or None,
        )
        for permission in permissions
    ]


def _acknowledge_wildcards(policy: iam.IRole | iam.IPolicy, permissions: Sequence[Permission]) -> None:
    reasons: dict[str, list[str]] = {}
    for permission in permissions:
        for resource in permission.resources:
            if permission.wildcard_reason and "*" in resource:
                reasons.setdefault(resource, []).append(permission.wildcard_reason)
    for resource, resource_reasons in reasons.items():
        acknowledge_wildcard(policy, resource=resource, reason="; ".join(resource_reasons))
