"""Deployment of a CDK cloud assembly through boto3. Unsupported features cause an error."""

import graphlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.assembly import FileAsset, Stack, read_assembly
from local_cloud.deployment import Clients, Deployment, DeploymentError, Resource
from local_cloud.intrinsics import NO_VALUE, Evaluator, TemplateError
from local_cloud.resources import RESOURCE_TYPES
from local_cloud.resources.functions import PUBLIC_PARAMETERS
from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import Creation
from local_cloud.resources.s3 import bucket_location
from local_cloud.template import Definition, declared_names, wanted_resources

__all__ = ["Clients", "Deployment", "DeploymentError", "Resource", "deploy"]


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
            names=declared_names(stack, region=cloud.region, account=cloud.account),
            conditions=stack.template.get("Conditions", {}),
            mappings=stack.template.get("Mappings", {}),
            surroundings=self,
        )

    def create_resources(self) -> None:
        wanted = wanted_resources(self.stack, self.evaluator)
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

    def _dependencies(self, definition: Definition) -> set[str]:
        names = set(definition.depends_on)
        for name, value in definition.properties.items():
            try:
                names |= set(self.evaluator.references(value))
            except TemplateError as error:
                raise definition.refusal(name, str(error)) from error
        return names

    def _create(self, definition: Definition) -> Resource:
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

    def _evaluated(self, definition: Definition) -> Iterator[tuple[str, Any]]:
        for name, value in definition.properties.items():
            try:
                evaluated = self.evaluator.evaluate(value)
            except TemplateError as error:
                raise definition.refusal(name, str(error)) from error
            if evaluated is not NO_VALUE:
                yield name, evaluated
