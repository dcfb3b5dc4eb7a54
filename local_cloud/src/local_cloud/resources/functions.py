"""Lambda functions, their aliases, event sources and permissions."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from local_cloud.deployment import Deployment
from local_cloud.resources.properties import PropertyError
from local_cloud.resources.resource_type import Created, Creation, creates

_CONFIGURATION = (
    "Architectures", "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "Handler", "LoggingConfig",
    "MemorySize", "PackageType", "Role", "Runtime", "SnapStart", "Timeout", "TracingConfig", "VpcConfig",
)  # fmt: skip
_FUNCTION_ARN = re.compile(r"(?P<function>arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+):(?P<qualifier>.+)")
PUBLIC_PARAMETERS = "/aws/service/"
"""Prefix of the SSM parameters that AWS publishes."""
_LAYER_ARN = re.compile(r"arn:[^:]+:lambda:[^:]+:(?P<account>\d+):layer:.+")


def fast_starting(deployment: Deployment) -> list[str]:
    snap_start = {
        function.physical_id
        for function in deployment.of_type("AWS::Lambda::Function")
        if function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    }
    return [
        alias.physical_id
        for alias in deployment.of_type("AWS::Lambda::Alias")
        if alias.properties["FunctionName"] in snap_start or alias.properties.get("ProvisionedConcurrencyConfig")
    ]


def is_external_layer(layer_arn: str, *, account: str) -> bool:
    """Return whether a layer belongs to another account, such as the layers that AWS publishes."""
    match = _LAYER_ARN.fullmatch(layer_arn)
    return layer_arn.startswith(PUBLIC_PARAMETERS) or (match is not None and match["account"] != account)


@creates(
    "AWS::Lambda::Function",
    kept={
        "DeadLetterConfig": "moto accepts it but does not store it",
        "Layers": "moto does not have layers of other accounts",
        "LoggingConfig": "moto accepts it but does not store it",
        "RecursiveLoop": "moto looks for no loops",
        "RuntimeManagementConfig": "functions run under the installed Python",
        "SnapStart": "moto accepts it but does not store it; a process starts at boot instead of a snapshot",
    },
)
def _create_function(creation: Creation) -> Created:
    properties, client = creation.properties, creation.clients("lambda")
    name = creation.name("FunctionName", limit=64)
    optional = properties.take(*_CONFIGURATION, KmsKeyArn="KMSKeyArn")
    layers = [layer for layer in properties.get("Layers", []) if not is_external_layer(layer, account=creation.account)]
    arn = client.create_function(
        FunctionName=name,
        Code=_code(properties["Code"]),
        Layers=layers,
        Tags=creation.tag_map(),
        **optional,
    )["FunctionArn"]
    if "ReservedConcurrentExecutions" in properties:
        client.put_function_concurrency(FunctionName=name, **properties.take("ReservedConcurrentExecutions"))
    return Created(name, {"Arn": arn})


def _code(code: Mapping[str, Any]) -> dict[str, Any]:
    """Return the code in the format of the API, in which inline code is a zip file."""
    if "ZipFile" not in code:
        return dict(code)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


@creates("AWS::Lambda::Alias", kept={"ProvisionedConcurrencyConfig": "one process starts at boot instead"})
def _create_alias(creation: Creation) -> Created:
    properties = creation.properties
    routing = {}
    if "RoutingConfig" in properties:
        weights = properties.section("RoutingConfig").sections("AdditionalVersionWeights")
        routing["RoutingConfig"] = {
            "AdditionalVersionWeights": {weight["FunctionVersion"]: weight["FunctionWeight"] for weight in weights}
        }
    arn = creation.call("lambda", "create_alias", **routing)["AliasArn"]
    return Created(arn, {"AliasArn": arn})


@creates("AWS::Lambda::EventSourceMapping")
def _create_event_source_mapping(creation: Creation) -> Created:
    properties = creation.properties
    source = properties.get("EventSourceArn", "")
    if ":kafka:" in source:
        raise PropertyError("EventSourceArn", "clusters of Amazon MSK exist on AWS only; name bootstrap servers here")
    place = {"EventSourceArn": source} if source else {}
    if "SelfManagedEventSource" in properties:
        servers = properties["SelfManagedEventSource"]["Endpoints"]["KafkaBootstrapServers"]
        place = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}}
    answer = creation.call("lambda", "create_event_source_mapping", **place)
    uuid = answer["UUID"]
    return Created(uuid, {"Id": uuid, "EventSourceMappingArn": answer["EventSourceMappingArn"]})


@creates("AWS::Lambda::Permission", kept={"PrincipalOrgID": "moto accepts it but does not store it"})
def _create_permission(creation: Creation) -> Created:
    statement_id = creation.name(None, limit=100)
    function = _function(creation.properties["FunctionName"])
    creation.call("lambda", "add_permission", StatementId=statement_id, **function)
    return Created(statement_id, {"Id": statement_id})


def _function(name_or_arn: str) -> dict[str, str]:
    """Split the `Ref` of a version or alias, because the API expects the function and the qualifier separately."""
    if match := _FUNCTION_ARN.fullmatch(name_or_arn):
        return {"FunctionName": match["function"], "Qualifier": match["qualifier"]}
    return {"FunctionName": name_or_arn}
