"""The resources of a cloud assembly, and the references among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """One of a template."""

    template: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]


def _is_created(resource: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Return true if a resource has no condition, or one that AWS's main partition fulfils."""
    match template.get("Conditions", {}).get(resource.get("Condition")):
        case {"Fn::Equals": [{"Ref": "AWS::Partition"}, str(right)]}:
            return right == "aws"
    return True


class Resources:
    """The resources of all templates, and the references across them."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._all = {
            (name, logical_id): Resource(name, logical_id, each["Type"], each.get("Properties", {}))
            for name, template in templates.items()
            for logical_id, each in template.get("Resources", {}).items()
            if _is_created(each, template)
        }
        self._exports = {
            output["Export"]["Name"]: (name, output["Value"])
            for name, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._all.values())

    def of(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [each for each in self if each.type == kind]

    def meant(self, value: Any, template: str) -> list[Resource]:
        """Return the resources that a property refers to."""
        if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
            return []
        if isinstance(value, Sequence):
            return [each for part in value for each in self.meant(part, template)]
        if "Fn::ImportValue" in value:
            where, exported = self._exports.get(str(value["Fn::ImportValue"]), (template, None))
            return self.meant(exported, where)
        named = value.get("Ref") or (value["Fn::GetAtt"][0] if "Fn::GetAtt" in value else None)
        if named is not None:
            known = self._all.get((template, named))
            return [known] if known else []
        return [each for part in value.values() for each in self.meant(part, template)]
