"""Findings of cdk-nag that are right as they are, each with its reason."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct


def acknowledge(resource: IConstruct, *, finding: str, reason: str) -> None:
    """Accept a finding about `resource`, and about what it is made of, for a reason.

    Parameters
    ----------
    finding
        The rule's id, such as ``AwsSolutions-S1``: with its bracketed part where it has one.
    """
    cdk.Validations.of(resource).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def acknowledge_wildcard(role: iam.IRole | iam.IPolicy, *, resource: str, reason: str) -> None:
    """Accept that a statement of `role` names `resource`, an ARN with a ``*`` in it."""
    name = _flat(cdk.Stack.of(role).resolve(resource))
    acknowledge(role, finding=f"AwsSolutions-IAM5[Resource::{name}]", reason=reason)


def _flat(value: Any) -> str:
    """Write a resolved value as cdk-nag does in its findings."""
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
    raise ValueError(f"{value!r} is not text that cdk-nag could name")
