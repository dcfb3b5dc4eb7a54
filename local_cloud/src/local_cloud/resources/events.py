"""EventBridge rules."""

import json

from local_cloud.resources.resource_type import Created, Creation, creates

_DEFAULT_BUS = "default"


@creates("AWS::Events::Rule")
def _create_rule(creation: Creation) -> Created:
    properties, events = creation.properties, creation.clients("events")
    name = creation.name("Name", limit=64)
    bus, pattern = properties.get("EventBusName", _DEFAULT_BUS), {}
    if "EventPattern" in properties:
        pattern["EventPattern"] = json.dumps(properties["EventPattern"])
    arn = creation.call("events", "put_rule", Name=name, EventBusName=bus, **pattern)["RuleArn"]
    if targets := properties.get("Targets"):
        events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    return Created(name if bus == _DEFAULT_BUS else f"{bus}|{name}", {"Arn": arn})
