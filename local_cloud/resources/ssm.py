"""Systems Manager parameters."""

from collections.abc import Mapping
from typing import Final

from local_cloud.resources.creation import Created, Creation, ResourceType

_PARAMETER = ("AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value")


def _create_parameter(creation: Creation) -> Created:
    parameter = creation.properties.take(*_PARAMETER)
    name = creation.name("Name", limit=1011)
    creation.clients("ssm").put_parameter(Name=name, Tags=creation.tag_list(), **parameter)
    return Created(name, {"Type": parameter["Type"], "Value": parameter["Value"]})


TYPES: Final[Mapping[str, ResourceType]] = {"AWS::SSM::Parameter": ResourceType(_create_parameter)}
