"""Differences between two assemblies that make an update fail in CloudFormation or lose data."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.infra.assembly import Assembly, Resource, templates

# Types of resources that store data and must not be removed.
STORES = {
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::GlobalTable",
    "AWS::Glue::Database",
    "AWS::Kinesis::Stream",
    "AWS::S3::Bucket",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SecretsManager::Secret",
}

# Resource types that CloudFormation can replace while the old resource exists.
REPLACEABLE = {
    "AWS::Lambda::LayerVersion": "a layer has many versions",
    "AWS::Lambda::Permission": "CloudFormation names each statement of a policy",
    "AWS::Lambda::Version": "a function has many versions",
}

# Properties with "Update requires: Replacement" in CloudFormation's user guide, in addition to the schemas.
ALSO_CREATE_ONLY = {
    "AWS::Cognito::UserPool": ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration"),
    "AWS::Glue::Database": ("CatalogId",),
    "AWS::Lambda::EventSourceMapping": (
        "AmazonManagedKafkaEventSourceConfig/ConsumerGroupId",
        "SelfManagedKafkaEventSourceConfig/ConsumerGroupId",
    ),
}


@cache
def create_only(resource_type: str) -> tuple[str, ...]:
    """Return the paths of the properties whose change replaces a resource of a type."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    paths = [*schema.get("createOnlyProperties", ()), *schema.get("conditionalCreateOnlyProperties", ())]
    return (*(path.removeprefix("/properties/") for path in paths), *ALSO_CREATE_ONLY.get(resource_type, ()))


def exports(assembly: Assembly) -> set[str]:
    return {
        _neutral(output["Export"]["Name"], assembly)
        for _, template in templates(assembly.directory)
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def dangers(base: Assembly, changed: Assembly) -> list[str]:
    """Return the removed exports, the removed resources with data, and the replaced resources."""
    return [f"export {name} vanishes" for name in sorted(exports(base) - exports(changed))] + list(_lost(base, changed))


def _lost(base: Assembly, changed: Assembly) -> Iterator[str]:
    after = {_place(each, changed): each for each in changed.resources}
    for each in base.resources:
        place = _place(each, base)
        if place not in after:
            if each.type in STORES:
                yield f"{place} vanishes"
        elif after[place].type != each.type:
            yield f"{place} is replaced by another type"
        elif each.type not in REPLACEABLE:
            old, new = _identity(each, base), _identity(after[place], changed)
            for path in create_only(each.type):
                if old[path] != new[path]:
                    yield f"{place} is replaced: {path}"


def _identity(resource: Resource, assembly: Assembly) -> dict[str, str]:
    return {
        path: _neutral(str(_property(resource.properties, path.split("/"))), assembly)
        for path in create_only(resource.type)
    }


def _property(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _place(resource: Resource, assembly: Assembly) -> str:
    return f"{_neutral(resource.stack, assembly)}: {resource.logical_id}"


def _neutral(text: str, assembly: Assembly) -> str:
    name = re.escape(assembly.environment)
    # The CDK names composite alarms by their path and a hash of the path.
    text = re.sub(rf"\balsolike{name}(\w+)[0-9A-F]{{8}}\b", r"alsolike\1", text)
    return re.sub(rf"(?<=[-_/ ]){name}(?![a-z0-9])", "", text)
