"""Resource types of the deployer: functions that create a resource, and properties that are only stored."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.deployment import Clients
from local_cloud.resources.properties import Properties

_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Created:
    """Values of `Ref` and `Fn::GetAtt` for a created resource."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Creation:
    stack: str
    logical_id: str
    properties: Properties
    clients: Clients
    region: str
    account: str

    def name(self, property_name: str | None, *, limit: int, lower: bool = False, suffix: str = "") -> str:
        """Return the name in the template, or otherwise a generated name of at most `limit` characters."""
        if property_name and property_name in self.properties:
            return str(self.properties[property_name])
        return generated_name(self.stack, self.logical_id, limit=limit, lower=lower, suffix=suffix)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def token(self, length: int = 32) -> str:
        """Return hexadecimal digits that are the same in each deployment of the template."""
        return _digest(self.stack, self.logical_id, length)

    def tag_list(self, *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        return [{key: name, value: content} for name, content in self.tag_map().items()]

    def tag_map(self) -> dict[str, str]:
        """Return the tags as an object. Templates have an object or a list, depending on the resource type."""
        tags = self.properties.get("Tags", {})
        return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


@dataclass(frozen=True, slots=True)
class ResourceType:
    """Instructions to create a resource of a CloudFormation type.

    `kept` contains the properties that the deployment stores but moto does not apply completely, each with a reason.
    """

    create: Callable[[Creation], Created]
    kept: Mapping[str, str] = field(default_factory=dict)


def generated_name(stack: str, logical_id: str, *, limit: int, lower: bool = False, suffix: str = "") -> str:
    """Return a name of at most `limit` characters that is the same in each deployment of the template.

    The hash at the end distinguishes names that would be equal after truncation.
    """
    digest = _digest(stack, logical_id, _HASH_LENGTH)
    room = limit - _HASH_LENGTH - 1 - len(suffix)
    name = f"{f'{stack}-{logical_id}'[:room].rstrip('-')}-{digest}"
    return (name.lower() if lower else name) + suffix


def _digest(stack: str, logical_id: str, length: int) -> str:
    return hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:length]


def attribute_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def camel_case(value: Any) -> Any:
    """Return `value` with the first letter of each key in lower case, as in the APIs of some services."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: camel_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [camel_case(item) for item in value]
    return value
