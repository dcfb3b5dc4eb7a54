"""Reader of a cloud assembly's billed resources. An assembly is the folder of templates that the CDK synthesizes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alsolike.declarations.parameters import REPLICA
from alsolike.declarations.schedule_expressions import Rate, parse_schedule
from alsolike.declarations.storage import INTERACTIONS_PREFIX, SERVED_PREFIX
from alsolike.runtime.errors import InvalidInput
from operations.cost.bill import DAYS, MONTH_S
from operations.cost.summary import BilledResources, EventSource, Function, Protection, Stream, Training

_KNOWN = tuple(
    f"AWS::{service}"
    for service in (
        *("ApiGateway::", "ApiGatewayV2::", "Backup::", "Budgets::", "CDK::", "CertificateManager::", "CloudFront::"),
        *("CloudTrail::", "CloudWatch::", "Cognito::UserPool", "DynamoDB::", "EC2::", "Events::", "Glue::", "IAM::"),
        *("KMS::", "Kinesis::", "Lambda::", "Logs::", "Route53::", "S3::", "SNS::", "SSM::", "Scheduler::"),
        *("SageMaker::ModelPackageGroup", "SecretsManager::", "StepFunctions::", "WAFv2::"),
    )
)
"""Prefixes of the resource types that the estimate covers, including free ones."""


def runs_a_month(expression: str) -> float:
    """Return the mean number of runs per month of a schedule.

    Examples
    --------
    >>> runs_a_month("rate(1 hour)")
    730.0
    >>> round(runs_a_month("cron(0 3 ? * MON *)"), 2)
    4.35
    """
    try:
        schedule = parse_schedule(expression)
    except ValueError as error:
        raise InvalidInput(f"schedule is {expression!r}: {error}") from error
    if isinstance(schedule, Rate):
        return MONTH_S / schedule.interval_s
    if schedule.is_monthly:
        days = 1.0
    else:
        days = len(schedule.days) if len(schedule.days) < 31 else DAYS * len(schedule.weekdays) / 7
    return len(schedule.minutes) * len(schedule.hours) * days * len(schedule.months) / 12


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    template: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]


def _is_created(resource: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    """Return false if the resource's condition requires another partition than `aws`."""
    match template.get("Conditions", {}).get(resource.get("Condition")):
        case {"Fn::Equals": [{"Ref": "AWS::Partition"}, str(right)]}:
            return right == "aws"
    return True


class Resources:
    """Resources of all templates. References are resolved, also between templates."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._all = {
            (name, logical_id): Resource(name, logical_id, resource["Type"], resource.get("Properties", {}))
            for name, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
            if _is_created(resource, template)
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
        return [resource for resource in self if resource.type == kind]

    def properties(self, kind: str) -> list[Mapping[str, Any]]:
        return [resource.properties for resource in self.of(kind)]

    def referenced(self, value: Any, template: str) -> list[Resource]:
        if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
            return []
        if isinstance(value, Sequence):
            return [resource for part in value for resource in self.referenced(part, template)]
        if "Fn::ImportValue" in value:
            where, exported = self._exports.get(str(value["Fn::ImportValue"]), (template, None))
            return self.referenced(exported, where)
        named = value.get("Ref") or (value["Fn::GetAtt"][0] if "Fn::GetAtt" in value else None)
        if named is not None:
            known = self._all.get((template, named))
            return [known] if known else []
        return [resource for part in value.values() for resource in self.referenced(part, template)]

    def scheduled_runs(self, called: Sequence[Resource]) -> float:
        """Return the number of scheduled runs of these resources per month."""
        return sum(
            runs_a_month(str(rule.properties["ScheduleExpression"]))
            for rule in self.of("AWS::Events::Rule")
            if "ScheduleExpression" in rule.properties
            for target in rule.properties.get("Targets", ())
            if any(each in called for each in self.referenced(target["Arn"], rule.template))
        )


def read_assembly(directory: Path) -> BilledResources:
    primary, replica = dict[str, Mapping[str, Any]](), dict[str, Mapping[str, Any]]()
    for path in sorted(directory.glob("*.template.json")):
        (replica if path.name.startswith(REPLICA) else primary)[path.name] = _parsed(path)
    if not primary and not replica:
        raise InvalidInput(f"{directory} has no *.template.json, expected a synthesized assembly")
    summary = summarize(primary, where=str(directory))
    if not replica:
        return summary
    return dataclasses.replace(summary, replica=summarize(replica, where=f"the second region in {directory}"))


def summarize(templates: Mapping[str, Mapping[str, Any]], *, where: str = "the templates") -> BilledResources:
    """Return the billed resources of templates, which are passed by file name."""
    resources = Resources(templates)
    names = {str(parameter["Name"]).split("/")[2] for parameter in resources.properties("AWS::SSM::Parameter")}
    if len(names) != 1:
        raise InvalidInput(f"{where} has SSM parameters of {sorted(names)}, expected those of one environment")
    tables = [table["Replicas"] for table in resources.properties("AWS::DynamoDB::GlobalTable")]
    located = [{str(replica["Region"]) for replica in table} for table in tables]
    # Some tables also have a replica in the second region.
    regions = set.intersection(*located) if located else set()
    if len(regions) != 1:
        raise InvalidInput(f"{where} has tables in {sorted(set().union(*located))}, expected one region")
    retentions = [group.get("RetentionInDays") for group in resources.properties("AWS::Logs::LogGroup")]
    kept = [days for days in retentions if days is not None]
    buckets = resources.properties("AWS::S3::Bucket")
    machines = resources.properties("AWS::StepFunctions::StateMachine")
    stages = [*resources.of("AWS::ApiGatewayV2::Stage"), *resources.of("AWS::ApiGateway::Stage")]
    variables, colder = _variables(resources), _lifecycle(buckets, INTERACTIONS_PREFIX, "Transitions")
    return BilledResources(
        environment=names.pop(),
        region=regions.pop(),
        functions={_name(each): _function(resources, each) for each in resources.of("AWS::Lambda::Function")},
        stream=_stream(resources),
        training=_training(resources, variables),
        protection=_protection(resources),
        # An alarm on an expression evaluates several metrics.
        alarm_metrics=sum(
            max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))
            for alarm in resources.properties("AWS::CloudWatch::Alarm")
        ),
        composite_alarms=len(resources.of("AWS::CloudWatch::CompositeAlarm")),
        dashboards=len(resources.of("AWS::CloudWatch::Dashboard")),
        keys=len(resources.of("AWS::KMS::Key")),
        secrets=len(resources.of("AWS::SecretsManager::Secret")),
        table_backups=any(
            replica.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
            for table in tables
            for replica in table
        ),
        machines_traced=any(machine.get("TracingConfiguration", {}).get("Enabled") for machine in machines),
        bucket_events=any("EventBridgeConfiguration" in json.dumps(bucket) for bucket in buckets),
        access_log=any({"AccessLogSettings", "AccessLogSetting"} & stage.properties.keys() for stage in stages),
        pages=bool(resources.of("AWS::CloudFront::Distribution")),
        log_retention_days=max(kept) if len(kept) == len(retentions) and kept else None,
        lake_cold_days=colder[0]["TransitionInDays"] if colder else None,
        dataset_days=int(variables.get("DATASET_DAYS", 7)),
        attribution_days=int(variables.get("WINDOW_DAYS", 7)),
        served_days=_lifecycle(buckets, SERVED_PREFIX, "ExpirationInDays"),
        replication_rules=sum(len(bucket.get("ReplicationConfiguration", {}).get("Rules", ())) for bucket in buckets),
        health_checks=len(resources.of("AWS::Route53::HealthCheck")),
        uncounted=tuple(sorted({resource.type for resource in resources if not resource.type.startswith(_KNOWN)})),
    )


def _protection(resources: Resources) -> Protection:
    encryptions = [
        rule["ServerSideEncryptionByDefault"]
        for bucket in resources.properties("AWS::S3::Bucket")
        for rule in bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ())
    ]
    backups = [
        int(rule["Lifecycle"]["DeleteAfterDays"])
        for plan in resources.properties("AWS::Backup::BackupPlan")
        for rule in plan["BackupPlan"]["BackupPlanRule"]
    ]
    endpoints = resources.properties("AWS::EC2::VPCEndpoint")
    return Protection(
        own_key=any("KMSMasterKeyID" in encryption for encryption in encryptions),
        audit_trail=bool(resources.of("AWS::CloudTrail::Trail")),
        backup_days=max(backups, default=None),
        endpoints=sum(len(each["SubnetIds"]) for each in endpoints if each.get("VpcEndpointType") == "Interface"),
        private_api=bool(resources.of("AWS::ApiGateway::RestApi")),
        firewall_rules=sum(len(acl["Rules"]) for acl in resources.properties("AWS::WAFv2::WebACL")),
    )


def _name(function: Resource) -> str:
    """Return the name of an Alsolike function, or the logical ID of any other function, such as one of the CDK."""
    handler = str(function.properties.get("Handler", ""))
    return handler.split(".")[1] if handler.startswith("functions.") else function.logical_id


def _function(resources: Resources, function: Resource) -> Function:
    def aimed(kind: str, targets: Sequence[Resource]) -> list[Resource]:
        """Return the resources of a kind whose function is one of the targets."""
        return [
            each
            for each in resources.of(kind)
            if any(each in targets for each in resources.referenced(each.properties["FunctionName"], each.template))
        ]

    properties = function.properties
    aliases = aimed("AWS::Lambda::Alias", [function])
    warm = [alias.properties.get("ProvisionedConcurrencyConfig", {}) for alias in aliases]
    variables = properties.get("Environment", {}).get("Variables", {})
    return Function(
        memory_mb=int(properties.get("MemorySize", 128)),
        timeout_s=int(properties.get("Timeout", 3)),
        storage_mb=int(properties.get("EphemeralStorage", {}).get("Size", 512)),
        architecture=str(properties.get("Architectures", ["x86_64"])[0]),
        snap_start=properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
        provisioned=sum(int(each.get("ProvisionedConcurrentExecutions", 0)) for each in warm),
        tracing=properties.get("TracingConfig", {}).get("Mode") == "Active",
        reports=properties.get("LoggingConfig", {}).get("SystemLogLevel", "INFO") == "INFO",
        runs=resources.scheduled_runs([function, *aliases]),
        sources=tuple(
            _source(resources, mapping) for mapping in aimed("AWS::Lambda::EventSourceMapping", [function, *aliases])
        ),
        checks={
            key.lower(): int(value)
            for key, value in variables.items()
            if key.endswith("_CHECK_S") and isinstance(value, str)
        },
    )


def _source(resources: Resources, mapping: Resource) -> EventSource:
    kind = "kafka"
    if "Topics" not in mapping.properties:
        streams = resources.referenced(mapping.properties.get("EventSourceArn"), mapping.template)
        kind = "kinesis" if streams and streams[0].type == "AWS::Kinesis::Stream" else "dynamodb"
    return EventSource(
        kind=kind,
        batch_size=int(mapping.properties.get("BatchSize", 100)),
        window_s=int(mapping.properties.get("MaximumBatchingWindowInSeconds", 0)),
    )


def _stream(resources: Resources) -> Stream:
    streams = resources.properties("AWS::Kinesis::Stream")
    if len(streams) != 1:
        raise InvalidInput(f"the templates have {len(streams)} Kinesis streams, expected one")
    return Stream(
        on_demand=streams[0].get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND",
        shards=int(streams[0].get("ShardCount", 1)),
        retention_hours=int(streams[0].get("RetentionPeriodHours", 24)),
    )


def _training(resources: Resources, variables: Mapping[str, str]) -> Training:
    for machine in resources.of("AWS::StepFunctions::StateMachine"):
        states = json.loads(flat(machine.properties["DefinitionString"]))["States"].values()
        jobs = [state["Parameters"] for state in states if "createTrainingJob" in str(state.get("Resource"))]
        if not jobs:
            continue
        # A workflow with spot training also has a job on demand, for accounts without a spot quota. The bill excludes
        # that job.
        job = min(jobs, key=lambda job: not job.get("EnableManagedSpotTraining"))
        canary_s = int(variables.get("CANARY_DURATION_S", 0)) * (variables.get("CANARY_SHARE_PERCENT", "0") != "0")
        look_s = next((int(state["Seconds"]) for state in states if state["Type"] == "Wait"), 0)
        return Training(
            runs=resources.scheduled_runs([machine]),
            instance_type=str(job["ResourceConfig"]["InstanceType"]),
            instances=int(job["ResourceConfig"]["InstanceCount"]),
            volume_gb=int(job["ResourceConfig"]["VolumeSizeInGB"]),
            spot=bool(job.get("EnableManagedSpotTraining", False)),
            max_runtime_s=int(job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)),
            look_s=look_s,
            looks=canary_s // look_s if look_s else 0,
            **_spark(resources, variables),
        )
    return Training()


def _spark(resources: Resources, variables: Mapping[str, str]) -> dict[str, Any]:
    jobs = resources.properties("AWS::Glue::Job")
    if not jobs:
        return {}
    above = {"auto": int(variables.get("SPARK_ABOVE_MB", 0)), "spark": 0}
    arguments = jobs[0].get("DefaultArguments", {})
    return {
        "spark_above_mb": above.get(variables.get("DATASET_ENGINE", "lambda")),
        "spark_workers": int(jobs[0].get("NumberOfWorkers", 0)),
        "spark_worker_type": str(jobs[0].get("WorkerType", "G.1X")),
        "spark_flexible": jobs[0].get("ExecutionClass") == "FLEX",
        "spark_statistics": arguments.get("--statistics") == "true",
        "spark_sample_interactions": int(arguments.get("--sample_interactions", 5_000_000)),
    }


def _variables(resources: Resources) -> dict[str, str]:
    merged: dict[str, str] = {}
    for function in resources.properties("AWS::Lambda::Function"):
        variables = function.get("Environment", {}).get("Variables", {})
        merged |= {key: value for key, value in variables.items() if isinstance(value, str)}
    return merged


def _lifecycle(buckets: Sequence[Mapping[str, Any]], prefix: str, key: str) -> Any:
    rules = [rule for bucket in buckets for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", ())]
    return next((rule[key] for rule in rules if rule.get("Prefix") == prefix and key in rule), None)


def flat(value: Any) -> str:
    """Return a string in which `-` replaces every reference."""
    if isinstance(value, Mapping) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(flat(part) for part in parts)
    return value if isinstance(value, str) else "-"


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        template: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path} is not a template: {error}") from error
    return template
