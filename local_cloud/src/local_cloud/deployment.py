"""Deployed cloud assembly with its resources and outputs, and the error of a failed deployment."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class DeploymentError(Exception):
    """Error for an assembly that cannot be deployed as on AWS. The message starts with the location."""

    def __init__(
        self,
        reason: str,
        *,
        stack: str | None = None,
        logical_id: str | None = None,
        resource_type: str | None = None,
        property_name: str | None = None,
    ) -> None:
        place = [
            f"{kind} {name}"
            for kind, name in (
                ("stack", stack),
                ("resource", logical_id and f"{logical_id} ({resource_type or 'no type'})"),
                ("property", property_name),
            )
            if name
        ]
        super().__init__(": ".join(part for part in (", ".join(place), reason) if part))


class Clients(Protocol):
    """Factory of boto3 clients for the cloud, by the boto3 name of the service."""

    def __call__(self, service: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Declaration:
    stack: str
    logical_id: str
    type: str

    def refusal(self, property_name: str | None, reason: str) -> DeploymentError:
        """Return the error for a resource or a property that cannot be deployed or is not implemented here."""
        return DeploymentError(
            reason,
            stack=self.stack,
            logical_id=self.logical_id,
            resource_type=self.type,
            property_name=property_name,
        )


@dataclass(frozen=True, slots=True)
class Resource(Declaration):
    """Deployed resource: its evaluated properties, and its ID and attributes in the cloud."""

    physical_id: str
    attributes: Mapping[str, str]
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Resources in the order of their creation, and outputs by stack.

    `assets` maps S3 keys of the bootstrap bucket to files or directories of the assembly. `templates` contains the
    original templates of the stacks.
    """

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Mapping[str, str]]
    assets: Mapping[str, Path] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of_type(self, resource_type: str) -> tuple[Resource, ...]:
        return tuple(resource for resource in self.resources if resource.type == resource_type)


def stack_id(name: str, *, region: str, account: str) -> str:
    """Return the ARN of a stack. It is the same in each deployment."""
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
