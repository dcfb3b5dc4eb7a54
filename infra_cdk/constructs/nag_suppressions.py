"""Acknowledgement of cdk-nag findings with a reason."""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct


def acknowledge(resource: IConstruct, *, finding: str, reason: str) -> None:
    """Acknowledge a finding about `resource` and its children.

    `finding` is the ID of the rule, such as `AwsSolutions-S1`. A rule with several findings adds a suffix in brackets,
    such as `[Resource::*]`.
    """
    cdk.Validations.of(resource).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def acknowledge_wildcard(role: iam.IRole | iam.IPolicy, *, resource: str, reason: str) -> None:
    """Acknowledge a statement of `role` for `resource`, an ARN that contains a `*`."""
    name = _flat(cdk.Stack.of(role).resolve(resource))
    acknowledge(role, finding=f"AwsSolutions-IAM5[Resource::{name}]", reason=reason)


def _flat(value: Any) -> str:
    """Return a resolved value in the notation of cdk-nag's findings."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(_flat(part) for part in parts)
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": str(export)}:
            return export
        case {"Fn::GetStackOutput": {}}:
            return json.dumps(value, separators=(",", ":"))
    raise ValueError(f"{value!r} is not text that cdk-nag could name")
