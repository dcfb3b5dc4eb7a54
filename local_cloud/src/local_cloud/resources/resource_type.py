"""Resource types of the deployer: functions that create a resource, and properties that are only stored."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local_cloud.deployment import Clients
from local_cloud.resources.properties import Properties, PropertyError

_HASH_LENGTH = 8
_IGNORED: Final[Mapping[str, str]] = {
    "create_api": "CredentialsArn RouteKey Target",
    "create_event_bus": "DeadLetterConfig EventSourceName KmsKeyIdentifier LogConfig",
    "create_event_source_mapping": "AmazonManagedKafkaEventSourceConfig DocumentDBEventSourceConfig LoggingConfig",
    "create_integration": (
        "ConnectionId ContentHandlingStrategy PassthroughBehavior RequestParameters RequestTemplates "
        "ResponseParameters TemplateSelectionExpression TlsConfig"
    ),
    "create_job": "JobMode JobRunQueuingEnabled LogUri MaintenanceWindow NotificationProperty SourceControlDetails",
    "create_log_group": "deletionProtectionEnabled",
    "create_route": "ModelSelectionExpression RequestModels RequestParameters RouteResponseSelectionExpression",
    "create_schedule": "ActionAfterCompletion ClientToken",
    "create_stage": "ClientCertificateId DeploymentId",
    "create_table": "GlobalTableSettingsReplicationMode GlobalTableSourceArn",
    "create_user_pool": "LambdaConfig",
    "put_composite_alarm": (
        "ActionConfiguration ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod"
    ),
    "put_metric_alarm": (
        "ActionConfiguration EvaluationCriteria EvaluationInterval EvaluationWindow WarmUpConfiguration"
    ),
    "put_parameter": "Policies",
    "put_subscription_filter": "applyOnTransformedLogs emitSystemFields fieldSelectionCriteria",
}
"""Input members that have an effect on AWS but not here, by operation. Templates with these members are refused."""


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

    def call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation with `parameters` and the unread properties that are members of its input.

        Members that have no effect here remain unread. If the name of a member starts with a lower-case letter, the
        names in its value do, too.
        """
        client = self.clients(service)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        ignored = _IGNORED.get(operation, "").split()
        for member, shape in model.input_shape.members.items():
            name = member[:1].upper() + member[1:]
            if member in parameters or member in ignored or not self.properties.is_unread(name):
                continue
            if name == "Tags":
                parameters[member] = (
                    self.tag_map() if shape.type_name == "map" else self.tag_list(*shape.member.members)
                )
            else:
                value = self.properties[name]
                parameters[member] = value if member == name else camel_case(value)
        for member in model.input_shape.required_members:
            if member not in parameters:
                raise PropertyError(self.properties.path_of(member[:1].upper() + member[1:]), "is required")
        answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        return answer

    def attributes(self, *names: str) -> dict[str, str]:
        """Return the present properties as strings, because attributes of queues and topics are strings."""
        return {name: attribute_text(value) for name, value in self.properties.take(*names).items()}

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def token(self, length: int = 32) -> str:
        """Return hexadecimal digits that are the same in each deployment of the template."""
        return _digest(self.stack, self.logical_id, length)

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        return [{key: name, value: content} for name, content in self.tag_map().items()]

    def tag_map(self) -> dict[str, str]:
        """Return the tags as an object. Templates have an object or a list, depending on the resource type."""
        tags = self.properties.get("Tags", {})
        return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


Create = Callable[[Creation], Created]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """Instructions to create a resource of a CloudFormation type.

    `kept` contains the properties that the deployment stores but moto does not apply completely, each with a reason.
    """

    create: Create
    kept: Mapping[str, str] = field(default_factory=dict)


RESOURCE_TYPES: dict[str, ResourceType] = {}
"""Resource types that the embedded cloud can deploy. The modules of this package add their types."""


def creates(name: str, *, kept: Mapping[str, str] | None = None) -> Callable[[Create], Create]:
    """Add a resource type. The decorated function creates its resources."""

    def add(create: Create) -> Create:
        RESOURCE_TYPES[name] = ResourceType(create, kept or {})
        return create

    return add


def created_by(
    service: str,
    operation: str,
    ref: str,
    *names: str,
    name: tuple[str, int] | None = None,
    kept: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    **attributes: str,
) -> ResourceType:
    """Return a type whose resources one operation creates.

    `ref` and `attributes` are format strings of the region, the account, properties and values in the response. `names`
    are such values that are also attributes. `name` is the parameter of a name that the template may omit, with the
    maximum length of the name. `defaults` has the values of properties that the template may omit.
    """

    def create(creation: Creation) -> Created:
        for omitted, value in (defaults or {}).items():
            creation.properties.values.setdefault(omitted, value)
        parameters = {name[0]: creation.name(name[0][0].upper() + name[0][1:], limit=name[1])} if name else {}
        answer = creation.call(service, operation, **parameters)
        values = defaultdict(str, {"region": creation.region, "account": creation.account})
        values |= {**creation.properties.values, **parameters, **answer}
        formats = {each: f"{{{each}}}" for each in names} | attributes
        return Created(
            ref.format_map(values), {attribute: text.format_map(values) for attribute, text in formats.items()}
        )

    return ResourceType(create, kept=kept or {})


def identified(
    properties: str, ref: str, *, name: str | None = None, limit: int = 128, **attributes: str
) -> ResourceType:
    """Return a type whose resources have no effect here. Only their IDs and attributes are generated.

    `properties` has the names of the accepted properties, separated by spaces. `ref` and `attributes` are format
    strings with the fields `region`, `account`, `name`, `token` and the properties. `attributes` may also contain the
    ID as `{ref}`. `name` is the property that may contain the name, and `limit` the maximum length of a generated name.
    """

    def create(creation: Creation) -> Created:
        creation.properties.keep(*properties.split())
        values = creation.properties.values | {
            "region": creation.region,
            "account": creation.account,
            "name": creation.name(name, limit=limit),
            "token": creation.token(),
        }
        try:
            values["ref"] = ref.format_map(values)
        except KeyError as error:
            raise PropertyError(error.args[0], "is required") from error
        return Created(values["ref"], {attribute: text.format_map(values) for attribute, text in attributes.items()})

    return ResourceType(create)


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
