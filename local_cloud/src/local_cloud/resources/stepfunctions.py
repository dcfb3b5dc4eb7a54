"""Step Functions state machines."""

import json
from typing import Any

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Created, Creation, attribute_text, creates


@creates("AWS::StepFunctions::StateMachine")
def _create_state_machine(creation: Creation) -> Created:
    properties = creation.properties
    name = creation.name("StateMachineName", limit=80)
    definition = _definition(properties, s3=lambda: creation.clients("s3"))
    for placeholder, value in properties.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{placeholder}}}", attribute_text(value))
    kind = properties.get("StateMachineType", "STANDARD")
    machine = creation.call("stepfunctions", "create_state_machine", name=name, definition=definition, type=kind)
    arn = machine["stateMachineArn"]
    return Created(arn, {"Arn": arn, "Name": name})


def _definition(properties: Properties, *, s3: Any) -> str:
    """Return the Amazon States Language text, from one of three properties."""
    if "DefinitionString" in properties:
        return str(properties["DefinitionString"])
    if "Definition" in properties:
        return json.dumps(properties["Definition"])
    if "DefinitionS3Location" not in properties:
        raise PropertyError("DefinitionString", "is required, or Definition, or DefinitionS3Location")
    location = properties.section("DefinitionS3Location")
    version = {"VersionId": location["Version"]} if "Version" in location else {}
    stored = s3().get_object(Bucket=location["Bucket"], Key=location["Key"], **version)
    return str(stored["Body"].read().decode())
