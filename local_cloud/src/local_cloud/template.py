"""Declarations of a CloudFormation template: names for `Ref`, and resources to create."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.assembly import Stack
from local_cloud.deployment import Declaration, DeploymentError, stack_id
from local_cloud.intrinsics import NO_VALUE, Evaluator, TemplateError

_SECTIONS = {
    "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters",
    "Resources", "Rules",
}  # fmt: skip
# Attributes of resources. Attributes whose names end with `Policy` have no effect on the creation.
_ATTRIBUTES = {
    "Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdatePolicy",
    "UpdateReplacePolicy",
}  # fmt: skip
# Type for the CDK's usage statistics. It does not create a resource on AWS either.
_IGNORED_TYPE = "AWS::CDK::Metadata"
_STORED_PARAMETER = "AWS::SSM::Parameter::Value<"


@dataclass(frozen=True, slots=True)
class Definition(Declaration):
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]


def declared_names(stack: Stack, *, region: str, account: str) -> dict[str, Any]:
    """Return the pseudo parameters, and the parameters with their default values."""
    if unknown := set(stack.template) - _SECTIONS:
        raise DeploymentError(f"unknown sections {sorted(unknown)} of the template", stack=stack.name)
    return {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id(stack.name, region=region, account=account),
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
        **dict(_parameters(stack)),
    }


def _parameters(stack: Stack) -> Iterator[tuple[str, Any]]:
    for name, parameter in stack.template.get("Parameters", {}).items():
        kind = parameter["Type"]
        if "Default" not in parameter:
            raise DeploymentError(f"parameter {name} has no default value", stack=stack.name)
        default = parameter["Default"]
        if kind == "String":
            yield name, str(default)
        elif kind == "Number":
            yield name, float(default) if "." in str(default) else int(default)
        elif kind in ("CommaDelimitedList", "List<Number>"):
            yield name, [part.strip() for part in default.split(",")]
        elif kind.startswith(_STORED_PARAMETER) and "List<" not in kind:
            # Resolved only if it is referenced, because the CDK declares its bootstrap version in every template.
            yield name, f"{{{{resolve:ssm:{default}}}}}"
        else:
            raise DeploymentError(f"parameter {name} has unknown type {kind}", stack=stack.name)


def wanted_resources(stack: Stack, evaluator: Evaluator) -> dict[str, Definition]:
    """Return the resources without a condition or with a true condition, by logical ID."""
    resources = stack.template.get("Resources", {})
    wanted: dict[str, Definition] = {}
    for logical_id, resource in resources.items():
        depends_on = resource.get("DependsOn", [])
        definition = Definition(
            stack=stack.name,
            logical_id=logical_id,
            type=resource["Type"],
            properties=resource.get("Properties", {}),
            depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        )
        if unknown := set(resource) - _ATTRIBUTES:
            raise definition.refusal(None, f"unknown attributes {sorted(unknown)} of a resource")
        if missing := set(definition.depends_on) - set(resources):
            raise definition.refusal(None, f"DependsOn names {sorted(missing)}, which the template does not have")
        try:
            holds = "Condition" not in resource or evaluator.holds(resource["Condition"])
        except TemplateError as error:
            raise definition.refusal(None, str(error)) from error
        if holds and definition.type != _IGNORED_TYPE:
            wanted[logical_id] = definition
    return wanted
