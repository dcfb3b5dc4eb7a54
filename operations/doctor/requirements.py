"""Requirements of a synthesized environment on its account."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from alsolike.declarations.parameters import REPLICA
from operations.cost.resources import BilledResources, Resource, Resources, flat, read_assembly, read_templates

_LAYER = re.compile(r"\{\{resolve:ssm:(?P<name>/[^}]+)\}\}")
_NAMED = {
    "AWS::Glue::Database": lambda properties: properties["DatabaseInput"].get("Name"),
    "AWS::Glue::Job": lambda properties: properties.get("Name"),
    "AWS::Logs::LogGroup": lambda properties: properties.get("LogGroupName"),
    "AWS::SSM::Parameter": lambda properties: properties.get("Name"),
    "AWS::SageMaker::ModelPackageGroup": lambda properties: properties.get("ModelPackageGroupName"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Parts of a Kafka cluster that the settings reference."""

    cluster_arn: str | None
    secret_arns: Sequence[str]
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Needs:
    """Requirements of an environment.

    `names` are the fixed names of resources, by resource type and stack. `pollers` and `batches` are the maximum
    numbers of concurrent invocations by all event source mappings, and by a batch run. An on-demand stream counts as
    one shard. `layer_parameters` are public SSM parameters that contain the ARNs of external layers. `buckets` are
    those of import and batch jobs.
    """

    account: str | None
    stacks: Sequence[str]
    resources: BilledResources
    bootstrap_version: int
    bootstrap_parameter: str
    layer_parameters: Sequence[str]
    layer_arns: Sequence[str]
    training_image: str
    names: Mapping[tuple[str, str], Sequence[str]]
    pollers: int
    batches: int
    reserved: int
    buckets: Sequence[str]
    kafka: KafkaCluster | None
    email: bool
    key: str | None = None
    api_name: tuple[str, str] | None = None

    @property
    def environment(self) -> str:
        return self.resources.environment

    @property
    def region(self) -> str:
        return self.resources.region


def read_needs(directory: Path) -> Needs:
    """Return the requirements of an assembly in its region, without the second region."""
    summary = read_assembly(directory)
    resources = Resources(read_templates(directory)[0])
    artefacts = json.loads((directory / "manifest.json").read_bytes())["artifacts"]
    stacks = {
        name: artefact
        for name, artefact in artefacts.items()
        if artefact["type"] == "aws:cloudformation:stack" and not name.startswith(REPLICA)
    }
    (environment,) = {artefact["environment"] for artefact in stacks.values()}
    account = environment.removeprefix("aws://").partition("/")[0]
    properties = next(iter(stacks.values()))["properties"]
    functions = resources.of("AWS::Lambda::Function")
    layers = [layer for function in functions for layer in function.properties.get("Layers", ())]
    texts = {layer for layer in layers if isinstance(layer, str)}
    variables = [function.properties.get("Environment", {}).get("Variables", {}) for function in functions]
    buckets = [str(each.get(name, "")) for each in variables for name in ("IMPORT_BUCKETS", "BATCH_BUCKETS")]
    workflows = "".join(
        flat(machine["DefinitionString"]) for machine in resources.properties("AWS::StepFunctions::StateMachine")
    )
    (image,) = set(re.findall(r'"TrainingImage":"([^"]+)"', workflows))
    names = [(str(each["Name"]), str(each["HostedZoneId"])) for each in resources.properties("AWS::Route53::RecordSet")]
    keys = (group.get("KmsKeyId") for group in resources.properties("AWS::Logs::LogGroup"))
    return Needs(
        account=account if account.isdigit() else None,
        stacks=tuple(sorted(stacks)),
        resources=summary,
        bootstrap_version=int(properties["requiresBootstrapStackVersion"]),
        bootstrap_parameter=str(properties["bootstrapStackVersionSsmParameter"]),
        layer_parameters=tuple(sorted(match["name"] for text in texts if (match := _LAYER.fullmatch(text)))),
        layer_arns=tuple(sorted(text for text in texts if text.startswith("arn:"))),
        training_image=str(image),
        names=_names(resources),
        pollers=_pollers(resources, summary),
        batches=max(map(int, re.findall(r'"MaxConcurrency":(\d+)', workflows)), default=0),
        reserved=sum(int(function.properties.get("ReservedConcurrentExecutions", 0)) for function in functions),
        buckets=tuple(sorted(set(" ".join(buckets).split()))),
        kafka=_kafka(resources),
        key=next((key for key in keys if isinstance(key, str)), None),
        api_name=next(iter(names), None),
        email=any(each.properties["Protocol"] == "email" for each in resources.of("AWS::SNS::Subscription")),
    )


def _names(resources: Resources) -> dict[tuple[str, str], Sequence[str]]:
    names: dict[tuple[str, str], list[str]] = {}
    for resource in resources:
        name = _NAMED[resource.type](resource.properties) if resource.type in _NAMED else None
        if isinstance(name, str):
            names.setdefault((resource.type, resource.template), []).append(name)
    return {key: tuple(sorted(values)) for key, values in names.items()}


def _pollers(resources: Resources, summary: BilledResources) -> int:
    shards = 1 if summary.stream.on_demand else summary.stream.shards

    def parallel(mapping: Resource) -> int:
        sources = resources.referenced(mapping.properties.get("EventSourceArn"), mapping.template)
        is_stream = any(source.type == "AWS::Kinesis::Stream" for source in sources)
        return (shards if is_stream else 1) * int(mapping.properties.get("ParallelizationFactor", 1))

    return sum(parallel(mapping) for mapping in resources.of("AWS::Lambda::EventSourceMapping"))


def _kafka(resources: Resources) -> KafkaCluster | None:
    for mapping in resources.of("AWS::Lambda::EventSourceMapping"):
        if "Topics" not in mapping.properties:
            continue
        access = [(each["Type"], each["URI"]) for each in mapping.properties.get("SourceAccessConfigurations", ())]
        return KafkaCluster(
            cluster_arn=mapping.properties.get("EventSourceArn"),
            secret_arns=tuple(uri for _, uri in access if uri.startswith("arn:")),
            subnet_ids=tuple(uri.partition(":")[2] for kind, uri in access if kind == "VPC_SUBNET"),
            security_group_ids=tuple(uri.partition(":")[2] for kind, uri in access if kind == "VPC_SECURITY_GROUP"),
        )
    return None
