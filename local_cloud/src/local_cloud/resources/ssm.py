"""Systems Manager parameters."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_OPTIONAL = ("AllowedPattern", "DataType", "Description", "Policies", "Tier")


def _create_parameter(creation: Creation) -> Created:
    properties = creation.properties
    kind, value = properties["Type"], properties["Value"]
    name = creation.name("Name", limit=1011)
    creation.clients("ssm").put_parameter(
        Name=name, Type=kind, Value=value, Tags=creation.tag_list(), **properties.take(*_OPTIONAL)
    )
    return Created(name, {"Type": kind, "Value": value})


TYPES: Final[Mapping[str, ResourceType]] = {"AWS::SSM::Parameter": ResourceType(_create_parameter)}
