"""EventBridge rules and buses."""

import json
from collections.abc import Mapping
from typing import Final

from local_cloud.resources.resource_type import Created, Creation, ResourceType

_DEFAULT_BUS = "default"


def _create_rule(creation: Creation) -> Created:
    properties, events = creation.properties, creation.clients("events")
    name = creation.name("Name", limit=64)
    rule = properties.take("Description", "EventBusName", "RoleArn", "ScheduleExpression", "State")
    if "EventPattern" in properties:
        rule["EventPattern"] = json.dumps(properties["EventPattern"])
    bus = properties.get("EventBusName", _DEFAULT_BUS)
    arn = events.put_rule(Name=name, Tags=creation.tag_list(), **rule)["RuleArn"]
    if targets := properties.get("Targets"):
        events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    return Created(name if bus == _DEFAULT_BUS else f"{bus}|{name}", {"Arn": arn})


def _create_bus(creation: Creation) -> Created:
    name = creation.properties["Name"]
    arn = creation.clients("events").create_event_bus(
        Name=name, Tags=creation.tag_list(), **creation.properties.take("Description")
    )["EventBusArn"]
    return Created(name, {"Arn": arn, "Name": name})


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Events::Rule": ResourceType(_create_rule),
    "AWS::Events::EventBus": ResourceType(_create_bus),
}
