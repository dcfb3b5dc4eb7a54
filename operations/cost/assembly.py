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


def runs_a_month(expression: str) -> float:
    """Return the mean number of runs per month of a schedule.

    Raises
    ------
    InvalidInput
        If the expression is not a valid EventBridge schedule.

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
    """Return true if a resource has no condition, or if its condition holds in the partition `aws`."""
    match template.get("Conditions", {}).get(resource.get("Condition")):
        case {"Fn::Equals": [{"Ref": "AWS::Partition"}, str(right)]}:
            return right == "aws"
    return True


class Resources:
    """Resources of all templates. It resolves references, also between templates."""

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

    def meant(self, value: Any, template: str) -> list[Resource]:
        """Return the resources that a property refers to."""
        if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
            return []
        if isinstance(value, Sequence):
            return [resource for part in value for resource in self.meant(part, template)]
        if "Fn::ImportValue" in value:
            where, exported = self._exports.get(str(value["Fn::ImportValue"]), (template, None))
            return self.meant(exported, where)
        named = value.get("Ref") or (value["Fn::GetAtt"][0] if "Fn::GetAtt" in value else None)
        if named is not None:
            known = self._all.get((template, named))
            return [known] if known else []
        return [resource for part in value.values() for resource in self.meant(part, template)]


# Resource types that the estimate covers, including free ones.
_KNOWN = (
    *(
        f"AWS::{service}::"
        for service in ("ApiGateway", "ApiGatewayV2", "CloudWatch", "DynamoDB", "Kinesis", "KMS", "Lambda", "Logs")
    ),
    *(f"AWS::{service}::" for service in ("S3", "SecretsManager", "StepFunctions", "Glue", "Events", "Scheduler")),
    *(f"AWS::{service}::" for service in ("IAM", "SNS", "SSM", "Budgets", "CDK", "CloudFront")),
    *(f"AWS::{service}::" for service in ("CertificateManager", "Route53", "WAFv2", "Backup", "CloudTrail", "EC2")),
    "AWS::Cognito::UserPool",
    "AWS::SageMaker::ModelPackageGroup",
)


def read_assembly(directory: Path) -> BilledResources:
    """Return the billed resources of an assembly.

    Raises
    ------
    InvalidInput
        If the folder has no templates, or not the templates of exactly one Alsolike deployment.
    """
    templates = {path.name: _parsed(path) for path in sorted(directory.glob("*.template.json"))}
    if not templates:
        raise InvalidInput(f"{directory} has no *.template.json, expected a synthesized assembly")
    replica_templates = {name: template for name, template in templates.items() if name.startswith(REPLICA)}
    primary_templates = {name: template for name, template in templates.items() if name not in replica_templates}
    summary = summarize(primary_templates, where=str(directory))
    if not replica_templates:
        return summary
    return dataclasses.replace(summary, replica=summarize(replica_templates, where=f"the second region in {directory}"))


def summarize(templates: Mapping[str, Mapping[str, Any]], *, where: str = "the templates") -> BilledResources:
    """Return the billed resources of templates, which are passed by file name.

    Raises
    ------
    InvalidInput
        If the templates do not belong to exactly one Alsolike deployment.
    """
    resources = Resources(templates)
    names = {str(parameter.properties["Name"]).split("/")[2] for parameter in resources.of("AWS::SSM::Parameter")}
    if len(names) != 1:
        raise InvalidInput(f"{where} has SSM parameters of {sorted(names)}, expected those of one environment")
    tables = [table.properties["Replicas"] for table in resources.of("AWS::DynamoDB::GlobalTable")]
    replicas = [replica for table in tables for replica in table]
    # Some tables also have a replica in the second region.
    regions = (
        set.intersection(*({str(replica["Region"]) for replica in table} for table in tables)) if tables else set()
    )
    if len(regions) != 1:
        found = sorted({str(replica["Region"]) for replica in replicas})
        raise InvalidInput(f"{where} has tables in {found}, expected one region")
    functions = dict(_functions(resources))
    alarms = [alarm.properties for alarm in resources.of("AWS::CloudWatch::Alarm")]
    machines = resources.of("AWS::StepFunctions::StateMachine")
    retentions = [group.properties.get("RetentionInDays") for group in resources.of("AWS::Logs::LogGroup")]
    buckets = [bucket.properties for bucket in resources.of("AWS::S3::Bucket")]
    kept = [days for days in retentions if days is not None]
    return BilledResources(
        environment=names.pop(),
        region=regions.pop(),
        functions=functions,
        stream=_stream(resources),
        training=_training(resources),
        protection=_protection(resources),
        alarm_metrics=sum(_watched(alarm) for alarm in alarms),
        composite_alarms=len(resources.of("AWS::CloudWatch::CompositeAlarm")),
        dashboards=len(resources.of("AWS::CloudWatch::Dashboard")),
        keys=len(resources.of("AWS::KMS::Key")),
        secrets=len(resources.of("AWS::SecretsManager::Secret")),
        table_backups=any(
            replica.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
            for replica in replicas
        ),
        machines_traced=any(machine.properties.get("TracingConfiguration", {}).get("Enabled") for machine in machines),
        bucket_events=any("EventBridgeConfiguration" in json.dumps(bucket) for bucket in buckets),
        access_log=any("AccessLogSettings" in stage.properties for stage in resources.of("AWS::ApiGatewayV2::Stage"))
        or any("AccessLogSetting" in stage.properties for stage in resources.of("AWS::ApiGateway::Stage")),
        pages=bool(resources.of("AWS::CloudFront::Distribution")),
        log_retention_days=max(kept) if len(kept) == len(retentions) and kept else None,
        lake_cold_days=_lifecycle(resources, INTERACTIONS_PREFIX, "Transitions", "TransitionInDays"),
        dataset_days=int(_variables(resources).get("DATASET_DAYS", 7)),
        attribution_days=int(_variables(resources).get("WINDOW_DAYS", 7)),
        served_days=_lifecycle(resources, SERVED_PREFIX, "ExpirationInDays"),
        replication_rules=sum(len(bucket.get("ReplicationConfiguration", {}).get("Rules", ())) for bucket in buckets),
        health_checks=len(resources.of("AWS::Route53::HealthCheck")),
        uncounted=tuple(sorted({resource.type for resource in resources if not resource.type.startswith(_KNOWN)})),
    )


def _protection(resources: Resources) -> Protection:
    rules = [
        rule
        for bucket in resources.of("AWS::S3::Bucket")
        for rule in bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ())
    ]
    return Protection(
        own_key=any("KMSMasterKeyID" in rule["ServerSideEncryptionByDefault"] for rule in rules),
        audit_trail=bool(resources.of("AWS::CloudTrail::Trail")),
        backup_days=max(
            (
                int(rule["Lifecycle"]["DeleteAfterDays"])
                for plan in resources.of("AWS::Backup::BackupPlan")
                for rule in plan.properties["BackupPlan"]["BackupPlanRule"]
            ),
            default=None,
        ),
        endpoints=sum(
            len(endpoint.properties["SubnetIds"])
            for endpoint in resources.of("AWS::EC2::VPCEndpoint")
            if endpoint.properties.get("VpcEndpointType") == "Interface"
        ),
        private_api=bool(resources.of("AWS::ApiGateway::RestApi")),
        firewall_rules=sum(len(acl.properties["Rules"]) for acl in resources.of("AWS::WAFv2::WebACL")),
    )


def _functions(resources: Resources) -> Iterator[tuple[str, Function]]:
    for function in resources.of("AWS::Lambda::Function"):
        properties = function.properties
        aliases = [
            alias
            for alias in resources.of("AWS::Lambda::Alias")
            if function in resources.meant(alias.properties["FunctionName"], alias.template)
        ]
        called = [function, *aliases]

        def calls(value: Any, template: str, called: Sequence[Resource] = called) -> bool:
            return any(meant in called for meant in resources.meant(value, template))

        sources = [
            _source(resources, mapping)
            for mapping in resources.of("AWS::Lambda::EventSourceMapping")
            if calls(mapping.properties["FunctionName"], mapping.template)
        ]
        runs = sum(
            runs_a_month(str(rule.properties["ScheduleExpression"]))
            for rule in resources.of("AWS::Events::Rule")
            if "ScheduleExpression" in rule.properties
            for target in rule.properties.get("Targets", ())
            if calls(target["Arn"], rule.template)
        )
        variables = properties.get("Environment", {}).get("Variables", {})
        yield (
            _name(function),
            Function(
                memory_mb=int(properties.get("MemorySize", 128)),
                timeout_s=int(properties.get("Timeout", 3)),
                storage_mb=int(properties.get("EphemeralStorage", {}).get("Size", 512)),
                architecture=str(properties.get("Architectures", ["x86_64"])[0]),
                snap_start=properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
                provisioned=sum(
                    int(alias.properties["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"])
                    for alias in aliases
                    if "ProvisionedConcurrencyConfig" in alias.properties
                ),
                tracing=properties.get("TracingConfig", {}).get("Mode") == "Active",
                reports=properties.get("LoggingConfig", {}).get("SystemLogLevel", "INFO") == "INFO",
                runs=runs,
                sources=tuple(sources),
                checks={
                    key.lower(): int(value)
                    for key, value in variables.items()
                    if key.endswith("_CHECK_S") and isinstance(value, str)
                },
            ),
        )


def _name(function: Resource) -> str:
    """Return the name of an Alsolike function, or the logical ID of any other function, such as one of the CDK."""
    handler = str(function.properties.get("Handler", ""))
    return handler.split(".")[1] if handler.startswith("functions.") else function.logical_id


def _source(resources: Resources, mapping: Resource) -> EventSource:
    streams = resources.meant(mapping.properties.get("EventSourceArn"), mapping.template)
    if "Topics" in mapping.properties:
        kind = "kafka"
    else:
        kind = "kinesis" if streams and streams[0].type == "AWS::Kinesis::Stream" else "dynamodb"
    return EventSource(
        kind=kind,
        batch_size=int(mapping.properties.get("BatchSize", 100)),
        window_s=int(mapping.properties.get("MaximumBatchingWindowInSeconds", 0)),
    )


def _stream(resources: Resources) -> Stream:
    streams = [stream.properties for stream in resources.of("AWS::Kinesis::Stream")]
    if len(streams) != 1:
        raise InvalidInput(f"the templates have {len(streams)} Kinesis streams, expected one")
    stream = streams[0]
    return Stream(
        on_demand=stream.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND",
        shards=int(stream.get("ShardCount", 1)),
        retention_hours=int(stream.get("RetentionPeriodHours", 24)),
    )


def _training(template_resources: Resources) -> Training:
    for machine in template_resources.of("AWS::StepFunctions::StateMachine"):
        states = json.loads(_flat(machine.properties["DefinitionString"]))["States"].values()
        jobs = [state["Parameters"] for state in states if "createTrainingJob" in str(state.get("Resource"))]
        if not jobs:
            continue
        # Without a quota for spot instances, the job runs on demand.
        jobs.sort(key=lambda job: not job.get("EnableManagedSpotTraining"))
        runs = sum(
            runs_a_month(str(rule.properties["ScheduleExpression"]))
            for rule in template_resources.of("AWS::Events::Rule")
            if "ScheduleExpression" in rule.properties
            for target in rule.properties.get("Targets", ())
            if machine in template_resources.meant(target["Arn"], rule.template)
        )
        variables = _variables(template_resources)
        canary_s = int(variables.get("CANARY_DURATION_S", 0)) * (variables.get("CANARY_SHARE_PERCENT", "0") != "0")
        look_s = next((int(state["Seconds"]) for state in states if state["Type"] == "Wait"), 0)
        engine = variables.get("DATASET_ENGINE", "lambda")
        workers = [job.properties for job in template_resources.of("AWS::Glue::Job")]
        above = {"auto": int(variables.get("SPARK_ABOVE_MB", 0)), "spark": 0}.get(engine)
        counting = workers[0].get("DefaultArguments", {}) if workers else {}
        resources, stopping = jobs[0]["ResourceConfig"], jobs[0].get("StoppingCondition", {})
        return Training(
            runs=runs,
            instance_type=str(resources["InstanceType"]),
            instances=int(resources["InstanceCount"]),
            volume_gb=int(resources["VolumeSizeInGB"]),
            spot=bool(jobs[0].get("EnableManagedSpotTraining", False)),
            max_runtime_s=int(stopping.get("MaxRuntimeInSeconds", 86_400)),
            look_s=look_s,
            looks=canary_s // look_s if look_s else 0,
            spark_above_mb=above if workers else None,
            spark_workers=int(workers[0].get("NumberOfWorkers", 0)) if workers else 0,
            spark_worker_type=str(workers[0].get("WorkerType", "G.1X")) if workers else "G.1X",
            spark_flexible=bool(workers) and workers[0].get("ExecutionClass") == "FLEX",
            spark_statistics=counting.get("--statistics") == "true",
            spark_sample_interactions=int(counting.get("--sample_interactions", 5_000_000)),
        )
    return Training()


def _variables(resources: Resources) -> dict[str, str]:
    """Merge the literal environment variables of all functions."""
    merged: dict[str, str] = {}
    for function in resources.of("AWS::Lambda::Function"):
        variables = function.properties.get("Environment", {}).get("Variables", {})
        merged |= {key: value for key, value in variables.items() if isinstance(value, str)}
    return merged


def _watched(alarm: Mapping[str, Any]) -> int:
    """Return the number of metrics that an alarm evaluates."""
    return max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))


def _lifecycle(resources: Resources, prefix: str, key: str, inner: str | None = None) -> int | None:
    for bucket in resources.of("AWS::S3::Bucket"):
        for rule in bucket.properties.get("LifecycleConfiguration", {}).get("Rules", ()):
            if rule.get("Prefix") == prefix and key in rule:
                return int(rule[key][0][inner] if inner else rule[key])
    return None


def _flat(value: Any) -> str:
    """Return a string in which `-` replaces every reference."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(_flat(part) for part in parts)
    return "-"


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        template: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path} is not a template: {error}") from error
    return template
