"""Billed resources of a cloud assembly, which is the folder of templates that the CDK synthesizes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alsolike.declarations import shared_defaults
from alsolike.declarations.parameters import REPLICA
from alsolike.declarations.schedule_expressions import Rate, parse_schedule
from alsolike.declarations.storage import INTERACTIONS_PREFIX, SERVED_PREFIX
from alsolike.runtime.errors import InvalidInput
from operations.cost.bill import DAYS, MONTH_S

if TYPE_CHECKING:
    from operations.cost.traffic import Duration

T = TypeVar("T")

_IMPORTED = re.compile(r'"Fn::ImportValue": "([^"]+)"')
_NAMED = re.compile(r'"(?:Ref|Fn::GetAtt)": \[?"([^"]+)"')


@dataclasses.dataclass(frozen=True, slots=True)
class EventSource:
    batch_size: int
    window_s: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    memory_mb: int
    timeout_s: int = 900
    storage_mb: int = 512  # size of /tmp
    architecture: str = "arm64"
    snap_start: bool = False
    provisioned: int = 0
    tracing: bool = False
    runs: float = 0.0  # scheduled calls per month
    sources: Sequence[EventSource] = ()
    checks: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Intervals in seconds, by setting, at which a warm process checks for new objects on S3."""
    reports: bool = False  # Lambda logs the lines START, END and REPORT of each call

    @property
    def processor(self) -> str:
        """Part of the names of prices: arm or x86."""
        return self.architecture[:3]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Kinesis stream. Shards of an on-demand stream are not billed."""

    on_demand: bool = False
    shards: int = 1
    retention_hours: int = 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    runs: float = 0.0  # scheduled runs per month, without runs that drift starts
    instance_type: str = shared_defaults.TRAINING_INSTANCE_TYPE
    volume_gb: int = shared_defaults.TRAINING_VOLUME_GB
    spot: bool = False
    max_runtime_s: int = shared_defaults.TRAINING_MAX_RUNTIME_S
    look_s: int = 0
    looks: int = 0  # evaluations per canary
    spark_above_mb: int | None = None  # size of the lake above which Glue builds the dataset; None: never
    spark_workers: int = 0
    spark_worker_type: str = "G.1X"
    spark_flexible: bool = False
    spark_statistics: bool = False  # Glue also counts the training statistics
    spark_sample_interactions: int = shared_defaults.SPARK_SAMPLE_INTERACTIONS

    @property
    def transitions(self) -> float:
        """Transitions of the workflow per month: nine per run, and three per canary evaluation."""
        return self.runs * (9 + 3 * self.looks)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BilledResources:
    """Facts about a deployment that determine its bill."""

    environment: str
    region: str
    functions: Mapping[str, Function]
    stream: Stream = dataclasses.field(default_factory=Stream)
    training: Training = dataclasses.field(default_factory=Training)
    counts: Counter[str] = dataclasses.field(default_factory=Counter)  # resources by type
    alarm_metrics: int = 0  # An alarm on an expression evaluates several metrics.
    replication_rules: int = 0
    table_backups: bool = False
    machines_traced: bool = False
    bucket_events: bool = False
    access_log: bool = False
    log_retention_days: int | None = None  # None: a log never expires
    lake_cold_days: int | None = None  # age at which objects move to a colder storage class; None: never
    dataset_days: int = 7
    served_days: int | None = None
    attribution_days: int = 7
    own_key: bool = False
    firewall_rules: int = 0
    endpoints: int = 0  # network interfaces: one per interface endpoint and subnet
    backup_days: int = 0
    replica: BilledResources | None = None
    durations: dict[str, Duration] = dataclasses.field(default_factory=dict)  # measured, by function


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    template: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]


class Resources:
    """Resources of all templates. References are resolved, also between templates."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._all = {
            (name, logical_id): Resource(name, logical_id, resource["Type"], resource.get("Properties", {}))
            for name, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
            if resource.get("Condition") != "Never"  # resources that the settings disable
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
        text = json.dumps(value)
        exported = [self._exports[name] for name in _IMPORTED.findall(text) if name in self._exports]
        named = [(template, name) for name in _NAMED.findall(text) if (template, name) in self._all]
        return [
            *(self._all[name] for name in named),
            *(resource for where, value in exported for resource in self.referenced(value, where)),
        ]

    def referring(self, kind: str, name: str, targets: Sequence[Resource]) -> list[Resource]:
        """Return the resources of the type `kind` whose property `name` refers to one of the targets."""
        return [
            resource
            for resource in self.of(kind)
            if any(each in targets for each in self.referenced(resource.properties.get(name), resource.template))
        ]

    def scheduled_runs(self, called: Sequence[Resource]) -> float:
        """Return the number of scheduled runs of these resources per month."""
        rules = [rule.properties for rule in self.referring("AWS::Events::Rule", "Targets", called)]
        return sum(runs_a_month(rule["ScheduleExpression"]) for rule in rules if "ScheduleExpression" in rule)


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


def read_templates(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the templates of the deployment's region and of the second region, by stack."""
    primary, replica = dict[str, Any](), dict[str, Any]()
    for path in sorted(directory.glob("*.template.json")):
        try:
            template = json.loads(path.read_bytes())
        except ValueError as error:
            raise InvalidInput(f"{path} is not a template: {error}") from error
        (replica if path.name.startswith(REPLICA) else primary)[path.name.removesuffix(".template.json")] = template
    if not primary:
        raise InvalidInput(f"{directory} has no *.template.json, expected a synthesized assembly")
    return primary, replica


def read_assembly(directory: Path) -> BilledResources:
    primary, replica = read_templates(directory)
    second = summarize(replica, where=f"the second region in {directory}") if replica else None
    return dataclasses.replace(summarize(primary, where=str(directory)), replica=second)


def summarize(templates: Mapping[str, Mapping[str, Any]], *, where: str = "the templates") -> BilledResources:
    """Return the billed resources of `templates`, a mapping of stack names to templates."""
    resources = Resources(templates)
    of, properties = resources.of, resources.properties
    tables = [table["Replicas"] for table in properties("AWS::DynamoDB::GlobalTable")]
    # Some tables also have a replica in the second region.
    regions = [{str(replica["Region"]) for replica in table} for table in tables]
    retentions = [int(group.get("RetentionInDays", 0)) for group in properties("AWS::Logs::LogGroup")]
    buckets, endpoints = properties("AWS::S3::Bucket"), properties("AWS::EC2::VPCEndpoint")
    stages = [*properties("AWS::ApiGatewayV2::Stage"), *properties("AWS::ApiGateway::Stage")]
    variables = {
        name: value for function in properties("AWS::Lambda::Function") for name, value in _texts(function).items()
    }
    plans = [plan["BackupPlan"]["BackupPlanRule"] for plan in properties("AWS::Backup::BackupPlan")]
    colder = _lifecycle(buckets, INTERACTIONS_PREFIX, "Transitions")
    environments = {str(parameter["Name"]).split("/")[2] for parameter in properties("AWS::SSM::Parameter")}
    stream = _only(properties("AWS::Kinesis::Stream"), f"Kinesis streams in {where}")
    return BilledResources(
        environment=_only(environments, f"environments of the SSM parameters in {where}"),
        region=_only(set.intersection(*regions) if regions else set(), f"regions of all tables in {where}"),
        functions={_name(function): _function(resources, function) for function in of("AWS::Lambda::Function")},
        stream=Stream(
            on_demand=stream.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND",
            shards=int(stream.get("ShardCount", 1)),
            retention_hours=int(stream.get("RetentionPeriodHours", 24)),
        ),
        training=_training(resources, variables),
        counts=Counter(resource.type for resource in resources),
        alarm_metrics=sum(
            max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", ())))
            for alarm in properties("AWS::CloudWatch::Alarm")
        ),
        replication_rules=sum(len(bucket.get("ReplicationConfiguration", {}).get("Rules", ())) for bucket in buckets),
        table_backups='"PointInTimeRecoveryEnabled": true' in json.dumps(tables),
        machines_traced=any(
            machine.get("TracingConfiguration", {}).get("Enabled")
            for machine in properties("AWS::StepFunctions::StateMachine")
        ),
        bucket_events="EventBridgeConfiguration" in json.dumps(buckets),
        access_log=any({"AccessLogSettings", "AccessLogSetting"} & stage.keys() for stage in stages),
        log_retention_days=max(retentions, default=None) if all(retentions) else None,
        lake_cold_days=colder[0]["TransitionInDays"] if colder else None,
        dataset_days=int(variables.get("DATASET_DAYS", 7)),
        served_days=_lifecycle(buckets, SERVED_PREFIX, "ExpirationInDays"),
        attribution_days=int(variables.get("WINDOW_DAYS", 7)),
        own_key="KMSMasterKeyID" in json.dumps([bucket.get("BucketEncryption") for bucket in buckets]),
        firewall_rules=sum(len(acl["Rules"]) for acl in properties("AWS::WAFv2::WebACL")),
        endpoints=sum(len(each["SubnetIds"]) for each in endpoints if each.get("VpcEndpointType") == "Interface"),
        backup_days=max((int(rule["Lifecycle"]["DeleteAfterDays"]) for plan in plans for rule in plan), default=0),
    )


def _only(values: Collection[T], what: str) -> T:
    if len(values) != 1:
        found = sorted(map(str, values)) if isinstance(values, set) else len(values)
        raise InvalidInput(f"{what}: {found}, expected one")
    return next(iter(values))


def _name(function: Resource) -> str:
    """Return the name of an Alsolike function, or the logical ID of any other function, such as one of the CDK."""
    handler = str(function.properties.get("Handler", ""))
    return handler.split(".")[1] if handler.startswith("functions.") else function.logical_id


def _texts(function: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of a function that are not references."""
    variables = function.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if isinstance(value, str)}


def _function(resources: Resources, function: Resource) -> Function:
    properties = function.properties
    aliases = resources.referring("AWS::Lambda::Alias", "FunctionName", [function])
    called = [function, *aliases]
    warm = [alias.properties.get("ProvisionedConcurrencyConfig", {}) for alias in aliases]
    mappings = resources.referring("AWS::Lambda::EventSourceMapping", "FunctionName", called)
    checks = {name.lower(): int(value) for name, value in _texts(properties).items() if name.endswith("_CHECK_S")}
    return Function(
        memory_mb=int(properties.get("MemorySize", 128)),
        timeout_s=int(properties.get("Timeout", 3)),
        storage_mb=int(properties.get("EphemeralStorage", {}).get("Size", 512)),
        architecture=str(properties.get("Architectures", ["x86_64"])[0]),
        snap_start=properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
        provisioned=sum(int(each.get("ProvisionedConcurrentExecutions", 0)) for each in warm),
        tracing=properties.get("TracingConfig", {}).get("Mode") == "Active",
        reports=properties.get("LoggingConfig", {}).get("SystemLogLevel", "INFO") == "INFO",
        runs=resources.scheduled_runs(called),
        sources=tuple(
            EventSource(each.get("BatchSize", 100), each.get("MaximumBatchingWindowInSeconds", 0))
            for each in (mapping.properties for mapping in mappings)
        ),
        checks=checks,
    )


def _training(resources: Resources, variables: Mapping[str, str]) -> Training:
    glue = next(iter(resources.properties("AWS::Glue::Job")), {})
    arguments = glue.get("DefaultArguments", {})
    above = {"auto": int(variables.get("SPARK_ABOVE_MB", 0)), "spark": 0} if glue else {}
    for machine in resources.of("AWS::StepFunctions::StateMachine"):
        states = json.loads(flat(machine.properties["DefinitionString"]))["States"].values()
        jobs = [state["Parameters"] for state in states if "createTrainingJob" in str(state.get("Resource"))]
        if not jobs:
            continue
        # A workflow with spot training also has a job on demand, for accounts without a spot quota. The bill excludes
        # that job.
        job = min(jobs, key=lambda job: not job.get("EnableManagedSpotTraining"))
        machines = job["ResourceConfig"]
        canary_s = int(variables.get("CANARY_DURATION_S", 0)) * (variables.get("CANARY_SHARE_PERCENT", "0") != "0")
        look_s = next((int(state["Seconds"]) for state in states if state["Type"] == "Wait"), 0)
        return Training(
            runs=resources.scheduled_runs([machine]),
            instance_type=machines["InstanceType"],
            volume_gb=machines["VolumeSizeInGB"],
            spot=job.get("EnableManagedSpotTraining", False),
            max_runtime_s=job["StoppingCondition"]["MaxRuntimeInSeconds"],
            look_s=look_s,
            looks=canary_s // look_s if look_s else 0,
            spark_above_mb=above.get(variables.get("DATASET_ENGINE", "lambda")),
            spark_workers=glue.get("NumberOfWorkers", 0),
            spark_worker_type=glue.get("WorkerType", "G.1X"),
            spark_flexible=glue.get("ExecutionClass") == "FLEX",
            spark_statistics=arguments.get("--statistics") == "true",
            spark_sample_interactions=int(arguments.get("--sample_interactions", 0)),
        )
    return Training()


def _lifecycle(buckets: Sequence[Mapping[str, Any]], prefix: str, key: str) -> Any:
    rules = [rule for bucket in buckets for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", ())]
    return next((rule[key] for rule in rules if rule.get("Prefix") == prefix and key in rule), None)


def flat(value: Any) -> str:
    """Return a string in which `-` replaces every reference."""
    if isinstance(value, Mapping) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(flat(part) for part in parts)
    return value if isinstance(value, str) else "-"
