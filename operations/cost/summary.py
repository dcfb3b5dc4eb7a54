"""The billed resources of the synthesized templates: small enough for a function's environment."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.runtime.errors import InvalidInput

FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """A stream or topic that a function consumes.

    Attributes
    ----------
    kind
        `kinesis`, `dynamodb` or `kafka`.
    """

    kind: str
    batch_size: int
    window_s: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function.

    Attributes
    ----------
    storage_mb
        Of /tmp; 512 cost nothing.
    provisioned
        Concurrency that is kept warm.
    runs
        Calls of a month by schedules of its own.
    checks
        How often, in seconds, a warm process looks for something new on S3, by the setting.
    reports
        True if Lambda logs the start, the end and a report of each call.
    """

    memory_mb: int
    timeout_s: int = 900
    storage_mb: int = 512
    architecture: str = "arm64"
    snap_start: bool = False
    provisioned: int = 0
    tracing: bool = False
    runs: float = 0.0
    sources: Sequence[EventSource] = ()
    checks: Mapping[str, int] = dataclasses.field(default_factory=dict)
    reports: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The Kinesis stream; an on-demand one has no shards to pay for."""

    on_demand: bool = False
    shards: int = 1
    retention_hours: int = 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The workflow of trainings.

    Attributes
    ----------
    runs
        Scheduled runs per month, without those that drift starts.
    looks
        Looks per trial of a version.
    spark_above_mb
        Size of the lake above which a dataset is built on Glue; None for never.
    spark_statistics, spark_sample_interactions
        True if Glue also counts the training statistics; number of interactions that the job then reads.
    """

    runs: float = 0.0
    instance_type: str = "ml.m5.xlarge"
    instances: int = 1
    volume_gb: int = 30
    spot: bool = False
    max_runtime_s: int = 14_400
    look_s: int = 0
    looks: int = 0
    spark_above_mb: int | None = None
    spark_workers: int = 0
    spark_worker_type: str = "G.1X"
    spark_flexible: bool = False
    spark_statistics: bool = False
    spark_sample_interactions: int = 5_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BilledResources:
    """The facts about a deployment that a bill needs.

    Attributes
    ----------
    functions
        By the name of their folder.
    alarm_metrics
        Number of metrics in alarms: an alarm on an expression counts each of its metrics.
    table_backups
        True if the tables of users and items have point-in-time recovery.
    lake_cold_days
        Age at which objects of the lake move to a colder class; None for never.
    pages
        True if a distribution serves pages.
    log_retention_days
        The longest of all logs; None if one is kept for ever.
    uncounted
        Types of resources without a known price.
    """

    environment: str
    region: str
    functions: Mapping[str, Function]
    stream: Stream = dataclasses.field(default_factory=Stream)
    training: Training = dataclasses.field(default_factory=Training)
    alarm_metrics: int = 0
    composite_alarms: int = 0
    dashboards: int = 0
    keys: int = 0
    secrets: int = 0
    table_backups: bool = False
    machines_traced: bool = False
    bucket_events: bool = False
    access_log: bool = False
    pages: bool = False
    log_retention_days: int | None = None
    lake_cold_days: int | None = None
    dataset_days: int | None = None
    served_days: int | None = None
    attribution_days: int = 7
    uncounted: Sequence[str] = ()

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        document = {"format_version": FORMAT_VERSION, **_plain(self)}
        return json.dumps(document, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BilledResources:
        """Return the summary from the result of `to_json`.

        Raises
        ------
        InvalidInput
            If it has another form.
        """
        try:
            document = dict(json.loads(text))
            version = document.pop("format_version")
            if version != FORMAT_VERSION:
                raise InvalidInput(f"the summary has format {version!r}, expected {FORMAT_VERSION}")
            functions = {
                name: Function(
                    **{**function, "sources": tuple(EventSource(**source) for source in function.get("sources", ()))}
                )
                for name, function in document.pop("functions").items()
            }
            stream, training = Stream(**document.pop("stream", {})), Training(**document.pop("training", {}))
            uncounted = tuple(document.pop("uncounted", ()))
            return cls(functions=functions, stream=stream, training=training, uncounted=uncounted, **document)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidInput(f"not a cost summary: {error}") from error


def _plain(value: Any) -> Any:
    """Return a dataclass as a dict without the fields that have their default."""
    if not dataclasses.is_dataclass(value):
        return value
    kept: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        field_value = getattr(value, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if field_value == default:
            continue
        if isinstance(field_value, Mapping):
            kept[field.name] = {key: _plain(part) for key, part in field_value.items()}
        elif isinstance(field_value, tuple | list):
            kept[field.name] = [_plain(part) for part in field_value]
        else:
            kept[field.name] = _plain(field_value)
    return kept
