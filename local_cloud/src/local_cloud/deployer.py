"""Deployment of a CDK cloud assembly through boto3. Unsupported features cause an error."""

import graphlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.assembly import FileAsset, Stack, read_assembly
from local_cloud.deployment import Clients, Declaration, Deployment, DeploymentError, Resource, stack_id
from local_cloud.intrinsics import NO_VALUE, Evaluator, TemplateError
from local_cloud.resources import RESOURCE_TYPES
from local_cloud.resources.functions import PUBLIC_PARAMETERS
from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Creation
from local_cloud.resources.s3 import bucket_location

__all__ = ["Clients", "Deployment", "DeploymentError", "Resource", "deploy"]

_SECTIONS = {
    "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters",
    "Resources", "Rules",
}  # fmt: skip
# Attributes of resources. Attributes whose names end with `Policy` have no effect on the creation.
_ATTRIBUTES = {
    "Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdatePolicy",
    "UpdateReplacePolicy",
}  # fmt: skip
# Type for the CDK's usage statistics. It does not create a resource on AWS either.
_IGNORED_TYPE = "AWS::CDK::Metadata"
_STORED_PARAMETER = "AWS::SSM::Parameter::Value<"

Outputs = Mapping[str, Mapping[str, Mapping[str, str]]]


def deploy(
    assembly: Path,
    clients: Clients,
    *,
    region: str,
    account: str,
    progress: Callable[[str], None] = lambda _: None,
    before: Callable[[str], None] = lambda _: None,
    other_regions: Outputs = MappingProxyType({}),
) -> Deployment:
    """Deploy the stacks of this region and the stacks without a region.

    `progress` is called with a line per resource, and `before` with the stack and logical ID before each creation.
    `other_regions` contains outputs by region, stack and name. After a DeploymentError, created resources remain.
    """
    cloud = _Cloud(clients, region, account, progress, before, other_regions)
    stacks = read_assembly(assembly)
    # If no stack is for this region, the first stack is deployed, which raises an error about its region.
    for stack in [stack for stack in stacks if stack.region in (None, region)] or stacks[:1]:
        cloud.deploy(stack)
    return Deployment(
        resources=tuple(cloud.resources), outputs=cloud.outputs, assets=cloud.assets, templates=cloud.templates
    )


@dataclass(frozen=True, slots=True)
class _Definition(Declaration):
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]


@dataclass
class _Cloud:
    """State of the deployment of all stacks."""

    clients: Clients
    region: str
    account: str
    progress: Callable[[str], None]
    before: Callable[[str], None]
    other_regions: Outputs
    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    assets: dict[str, Path] = field(default_factory=dict)
    templates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    uploaded: set[tuple[str, str]] = field(default_factory=set)

    def deploy(self, stack: Stack) -> None:
        for kind, wanted, present in (
            ("account", stack.account, self.account),
            ("region", stack.region, self.region),
        ):
            if wanted not in (None, present):
                raise DeploymentError(f"made for {kind} {wanted}, but this cloud is {present}", stack=stack.name)
        deployment = _StackDeployment(stack, self)
        for asset in stack.assets:
            self._upload(asset, deployment.evaluator)
        deployment.create_resources()
        self.resources += deployment.resources.values()
        self.outputs[stack.name] = deployment.outputs()
        self.templates[stack.name] = stack.template

    def _upload(self, asset: FileAsset, evaluator: Evaluator) -> None:
        bucket, key = (evaluator.evaluate({"Fn::Sub": name}) for name in (asset.bucket, asset.key))
        if (bucket, key) in self.uploaded:
            return
        s3 = self.clients("s3")
        if bucket not in {existing["Name"] for existing in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=bucket, **bucket_location(self.region))
        s3.put_object(Bucket=bucket, Key=key, Body=asset.content())
        self.uploaded.add((bucket, key))
        self.assets[key] = asset.source


class _StackDeployment:
    """Deployment of a stack. It provides the values for intrinsic functions of the template."""

    def __init__(self, stack: Stack, cloud: _Cloud) -> None:
        self.stack = stack
        self.cloud = cloud
        self.resources: dict[str, Resource] = {}
        self.evaluator = Evaluator(
            names=_declared_names(stack, region=cloud.region, account=cloud.account),
            conditions=stack.template.get("Conditions", {}),
            mappings=stack.template.get("Mappings", {}),
            surroundings=self,
        )

    def create_resources(self) -> None:
        wanted = _wanted_resources(self.stack, self.evaluator)
        for definition in wanted.values():
            if definition.type not in RESOURCE_TYPES:
                hint = "; custom resources run nowhere here" if definition.type.startswith("Custom::") else ""
                raise definition.refusal(None, f"resource type is not known here{hint}")
        # Sorted, so that the order is the same in each deployment.
        dependencies = {
            logical_id: sorted(self._dependencies(definition) & set(wanted))
            for logical_id, definition in wanted.items()
        }
        try:
            order = list(graphlib.TopologicalSorter(dependencies).static_order())
        except graphlib.CycleError as error:
            # graphlib lists a cycle from the dependency to the dependent resource.
            cycle = " -> ".join(reversed(error.args[1]))
            raise DeploymentError(f"circular dependency: {cycle}", stack=self.stack.name) from error
        for logical_id in order:
            self.resources[logical_id] = self._create(wanted[logical_id])

    def outputs(self) -> dict[str, str]:
        """Evaluate the outputs, and export the outputs that have an export name."""
        outputs = {}
        for name, output in self.stack.template.get("Outputs", {}).items():
            try:
                if "Condition" in output and not self.evaluator.holds(output["Condition"]):
                    continue
                outputs[name] = str(self.evaluator.evaluate(output["Value"]))
                if "Export" in output:
                    self.cloud.exports[self.evaluator.evaluate(output["Export"]["Name"])] = outputs[name]
            except TemplateError as error:
                raise DeploymentError(f"output {name}: {error}", stack=self.stack.name) from error
        return outputs

    def ref(self, logical_id: str) -> str:
        return self._resource(logical_id).physical_id

    def attribute(self, logical_id: str, name: str) -> str:
        resource = self._resource(logical_id)
        if name not in resource.attributes:
            known = ", ".join(sorted(resource.attributes)) or "none"
            raise TemplateError(f"unknown attribute {name} of {logical_id} ({resource.type}); known here: {known}")
        return resource.attributes[name]

    def exported(self, name: str) -> str:
        if name not in self.cloud.exports:
            raise TemplateError(f"no stack deployed before exports {name}")
        return self.cloud.exports[name]

    def stack_output(self, stack: str, output: str, region: str) -> str:
        stacks = self.cloud.outputs if region == self.cloud.region else self.cloud.other_regions.get(region, {})
        try:
            return stacks[stack][output]
        except KeyError:
            known = ", ".join(sorted(self.cloud.other_regions)) or "none"
            raise TemplateError(
                f"no stack {stack} with the output {output} is deployed in {region}; other regions known here: {known}"
            ) from None

    def stored_parameter(self, name: str) -> str:
        """Return the value of an SSM parameter. If a public parameter of AWS does not exist here, return its name."""
        try:
            answer = self.cloud.clients("ssm").get_parameter(Name=name)
        except ClientError as error:
            if name.startswith(PUBLIC_PARAMETERS):
                return name
            raise TemplateError(f"there is no SSM parameter {name}: {error}") from error
        return str(answer["Parameter"]["Value"])

    def _resource(self, logical_id: str) -> Resource:
        if logical_id not in self.resources:
            raise TemplateError(f"there is no resource {logical_id}, or its condition does not hold")
        return self.resources[logical_id]

    def _dependencies(self, definition: _Definition) -> set[str]:
        names = set(definition.depends_on)
        for name, value in definition.properties.items():
            try:
                names |= set(self.evaluator.references(value))
            except TemplateError as error:
                raise definition.refusal(name, str(error)) from error
        return names

    def _create(self, definition: _Definition) -> Resource:
        self.cloud.progress(f"{definition.stack}: {definition.logical_id} ({definition.type})")
        evaluated = dict(self._evaluated(definition))
        properties = Properties(evaluated)
        creation = Creation(
            stack=definition.stack,
            logical_id=definition.logical_id,
            properties=properties,
            clients=self.cloud.clients,
            region=self.cloud.region,
            account=self.cloud.account,
        )
        resource_type = RESOURCE_TYPES[definition.type]
        properties.keep(*resource_type.kept)
        self.cloud.before(f"{definition.stack}/{definition.logical_id}")
        try:
            created = resource_type.create(creation)
        except PropertyError as error:
            raise definition.refusal(error.path, error.reason) from error
        except (BotoCoreError, ClientError) as error:
            raise definition.refusal(None, str(error)) from error
        if unread := list(properties.unread()):
            raise definition.refusal(", ".join(unread), "is not known here")
        return Resource(
            stack=definition.stack,
            logical_id=definition.logical_id,
            type=definition.type,
            physical_id=created.physical_id,
            attributes=created.attributes,
            properties=evaluated,
        )

    def _evaluated(self, definition: _Definition) -> Iterator[tuple[str, Any]]:
        for name, value in definition.properties.items():
            try:
                evaluated = self.evaluator.evaluate(value)
            except TemplateError as error:
                raise definition.refusal(name, str(error)) from error
            if evaluated is not NO_VALUE:
                yield name, evaluated


def _declared_names(stack: Stack, *, region: str, account: str) -> dict[str, Any]:
    """Return the pseudo parameters, and the parameters with their default values."""
    if unknown := set(stack.template) - _SECTIONS:
        raise DeploymentError(f"unknown sections {sorted(unknown)} of the template", stack=stack.name)
    return {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id(stack.name, region=region, account=account),
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
        **dict(_parameters(stack)),
    }


def _parameters(stack: Stack) -> Iterator[tuple[str, Any]]:
    for name, parameter in stack.template.get("Parameters", {}).items():
        kind = parameter["Type"]
        if "Default" not in parameter:
            raise DeploymentError(f"parameter {name} has no default value", stack=stack.name)
        default = parameter["Default"]
        if kind == "String":
            yield name, str(default)
        elif kind == "Number":
            yield name, float(default) if "." in str(default) else int(default)
        elif kind in ("CommaDelimitedList", "List<Number>"):
            yield name, [part.strip() for part in default.split(",")]
        elif kind.startswith(_STORED_PARAMETER) and "List<" not in kind:
            # Resolved only if it is referenced, because the CDK declares its bootstrap version in every template.
            yield name, f"{{{{resolve:ssm:{default}}}}}"
        else:
            raise DeploymentError(f"parameter {name} has unknown type {kind}", stack=stack.name)


def _wanted_resources(stack: Stack, evaluator: Evaluator) -> dict[str, _Definition]:
    """Return the resources without a condition or with a true condition, by logical ID."""
    resources = stack.template.get("Resources", {})
    wanted: dict[str, _Definition] = {}
    for logical_id, resource in resources.items():
        depends_on = resource.get("DependsOn", [])
        definition = _Definition(
            stack=stack.name,
            logical_id=logical_id,
            type=resource["Type"],
            properties=resource.get("Properties", {}),
            depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        )
        if unknown := set(resource) - _ATTRIBUTES:
            raise definition.refusal(None, f"unknown attributes {sorted(unknown)} of a resource")
        if missing := set(definition.depends_on) - set(resources):
            raise definition.refusal(None, f"DependsOn names {sorted(missing)}, which the template does not have")
        try:
            holds = "Condition" not in resource or evaluator.holds(resource["Condition"])
        except TemplateError as error:
            raise definition.refusal(None, str(error)) from error
        if holds and definition.type != _IGNORED_TYPE:
            wanted[logical_id] = definition
    return wanted
