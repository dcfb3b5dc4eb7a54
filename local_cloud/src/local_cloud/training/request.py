"""Request for a training job, and the record of its progress."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Channel:
    name: str
    s3_uri: str
    input_mode: str = "File"
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """Metric that a regular expression with one group reads from the job's log."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Training job. If `spot` is true, `max_wait_s` limits the complete job, and `max_runtime_s` the training."""

    name: str
    arn: str
    role: str
    entrypoint: Sequence[str]
    arguments: Sequence[str]
    image: str
    hyperparameters: Mapping[str, str]
    environment: Mapping[str, str]
    channels: Sequence[Channel]
    output_s3_uri: str
    checkpoints_s3_uri: str | None
    metrics: Sequence[MetricDefinition]
    max_runtime_s: float
    instance_type: str
    spot: bool = False
    max_wait_s: float = math.inf


class TrainingRecord(Protocol):
    """State that DescribeTrainingJob returns. The runner of the job writes it."""

    def progress(self, secondary_status: str, message: str) -> None: ...

    def complete(self, metrics: Mapping[str, float]) -> None: ...

    def fail(self, reason: str) -> None: ...

    def stop(self, secondary_status: str, metrics: Mapping[str, float]) -> None: ...
