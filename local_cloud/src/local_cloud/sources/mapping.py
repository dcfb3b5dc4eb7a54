"""Event source mappings as templates define them."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.deployment import Resource

_SERVICES = ("kinesis", "dynamodb", "sqs")
# Unsupported settings with the values that disable them.
_REFUSED = {"ParallelizationFactor": 1, "TumblingWindowInSeconds": 0, "ProvisionedPollerConfig": None, "Queues": None}

# Further settings that are unsupported for Kafka.
_REFUSED_FOR_KAFKA = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": None,
    "FilterCriteria": None,
    "FunctionResponseTypes": None,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
}
_INSTALLATION = "reading a Kafka topic needs confluent-kafka here; install it with: pip install confluent-kafka"


@dataclass(frozen=True, slots=True)
class KafkaSource:
    """Topic of a self-managed cluster.

    `access` contains pairs of a type, such as `BASIC_AUTH`, and a URI, such as the ARN of a secret.
    """

    topic: str
    servers: tuple[str, ...]
    group_id: str
    access: tuple[tuple[str, str], ...] = ()
    from_latest: bool = False


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """Event source mapping. A limit of None means that there is no limit."""

    uuid: str
    source_arn: str
    function_arn: str
    batch_size: int
    window_s: float = 0.0
    max_retries: int | None = None
    max_age_s: float | None = None
    bisect: bool = False
    partial_responses: bool = False
    filters: tuple[str, ...] = ()
    on_failure: str | None = None
    starting_position: str = "TRIM_HORIZON"
    starting_timestamp: float | None = None
    kafka: KafkaSource | None = None
    counts_events: bool = False

    @property
    def service(self) -> str:
        return self.source_arn.split(":")[2]

    @property
    def name(self) -> str:
        source = self.kafka.topic if self.kafka else self.source_arn.split(":", 5)[5]
        return f"{source} -> {self.function_arn.split(':', 6)[6]}"


def read_mapping(resource: Resource, *, region: str, account: str) -> EventSourceMapping:
    properties = resource.properties
    for name, harmless in _REFUSED.items():
        if properties.get(name, harmless) != harmless:
            raise resource.refusal(name, f"{properties[name]!r} is not implemented here")
    kafka = _read_kafka_source(resource) if "SelfManagedEventSource" in properties else None
    source_arn = properties.get("EventSourceArn", "")
    service = source_arn.split(":")[2] if source_arn.count(":") > 4 else ""
    if kafka is None and service not in _SERVICES:
        raise resource.refusal("EventSourceArn", f"{source_arn!r} is none of {', '.join(_SERVICES)}")
    function_arn = properties["FunctionName"]
    if not function_arn.startswith("arn:"):  # a name, which may have a qualifier
        function_arn = f"arn:aws:lambda:{region}:{account}:function:{function_arn}"
    return EventSourceMapping(
        uuid=resource.physical_id,
        source_arn=source_arn,
        function_arn=function_arn,
        batch_size=int(properties.get("BatchSize", 10 if service == "sqs" else 100)),
        window_s=float(properties.get("MaximumBatchingWindowInSeconds", 0.5 if kafka else 0)),
        max_retries=_limit(properties, "MaximumRetryAttempts"),
        max_age_s=_limit(properties, "MaximumRecordAgeInSeconds"),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        filters=tuple(
            pattern["Pattern"] if isinstance(pattern["Pattern"], str) else json.dumps(pattern["Pattern"])
            for pattern in (properties.get("FilterCriteria") or {}).get("Filters", [])
        ),
        on_failure=((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination"),
        starting_position=properties.get("StartingPosition", "TRIM_HORIZON"),
        starting_timestamp=properties.get("StartingPositionTimestamp"),
        kafka=kafka,
        counts_events="EventCount" in (properties.get("MetricsConfig") or {}).get("Metrics", []),
    )


def _read_kafka_source(resource: Resource) -> KafkaSource:
    properties = resource.properties
    for name, harmless in _REFUSED_FOR_KAFKA.items():
        if properties.get(name, harmless) != harmless:
            raise resource.refusal(name, f"{properties[name]!r} is not implemented here for Kafka")
    if importlib.util.find_spec("confluent_kafka") is None:
        raise resource.refusal("SelfManagedEventSource", _INSTALLATION)
    position = properties.get("StartingPosition")
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise resource.refusal("StartingPosition", f"{position!r} is neither TRIM_HORIZON nor LATEST")
    (topic,) = properties["Topics"]
    group = properties.get("SelfManagedKafkaEventSourceConfig") or {}
    return KafkaSource(
        topic=topic,
        servers=tuple(properties["SelfManagedEventSource"]["Endpoints"]["KafkaBootstrapServers"]),
        group_id=group.get("ConsumerGroupId", resource.physical_id),
        access=tuple((each["Type"], each["URI"]) for each in properties.get("SourceAccessConfigurations", ())),
        from_latest=position == "LATEST",
    )


def _limit(properties: Mapping[str, Any], name: str) -> int | None:
    value = int(properties.get(name, -1))
    return None if value == -1 else value
