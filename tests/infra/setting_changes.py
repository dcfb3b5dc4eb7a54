"""Differences between two assemblies that CloudFormation refuses or that lose data when one follows the other."""

from collections.abc import Iterator
from typing import Any

from tests.infra.assembly import Assembly, Resource, templates

# Resources with data, and the properties whose change replaces them: the user guide of CloudFormation says
# "Update requires: Replacement".
REPLACING = {
    "AWS::Cognito::UserPool": ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration"),
    "AWS::DynamoDB::GlobalTable": ("KeySchema", "LocalSecondaryIndexes", "TableName"),
    "AWS::Glue::Database": ("CatalogId", "DatabaseName"),
    "AWS::Kinesis::Stream": ("Name",),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "ObjectLockEnabled"),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    "AWS::SecretsManager::Secret": ("Name",),
}


def exports(assembly: Assembly) -> set[str]:
    """Return the names of all exports, without the environment's name."""
    return {
        _neutral(output["Export"]["Name"], assembly)
        for _, template in templates(assembly.directory)
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def dangers(base: Assembly, changed: Assembly) -> list[str]:
    """Return the exports that vanish, and the resources with data that vanish or are replaced."""
    return [f"export {name} vanishes" for name in sorted(exports(base) - exports(changed))] + list(_lost(base, changed))


def _lost(base: Assembly, changed: Assembly) -> Iterator[str]:
    after = {_place(each, changed): each for each in changed.resources}
    for each in base.resources:
        if each.type not in REPLACING:
            continue
        place = _place(each, base)
        if place not in after:
            yield f"{place} vanishes"
        elif after[place].type != each.type or _identity(each, base) != _identity(after[place], changed):
            yield f"{place} is replaced"


def _identity(resource: Resource, assembly: Assembly) -> dict[str, Any]:
    return {
        name: _neutral(str(resource.properties.get(name)), assembly).replace(f"_{assembly.environment}", "_")
        for name in REPLACING[resource.type]
    }


def _place(resource: Resource, assembly: Assembly) -> str:
    return f"{_neutral(resource.stack, assembly)}: {resource.logical_id}"


def _neutral(text: str, assembly: Assembly) -> str:
    return text.replace(f"-{assembly.environment}", "-").replace(f" {assembly.environment}", " ")
