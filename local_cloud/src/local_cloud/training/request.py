"""Request for a training job, and the record of its progress."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Channel:
    """Input channel and its location in S3."""

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
    """Training job as it was created.

    Attributes
    ----------
    spot
        True if the machine can be interrupted. `max_wait_s` then limits the complete job, and `max_runtime_s` the
        training.
    """

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

    def progress(self, secondary_status: str, message: str) -> None:
        """Record that the job has entered another phase."""

    def complete(self, metrics: Mapping[str, float]) -> None:
        """Record that the job has ended and that its model is in S3."""

    def fail(self, reason: str) -> None:
        """Record that the job has failed."""

    def stop(self, secondary_status: str, metrics: Mapping[str, float]) -> None:
        """Record that the job was stopped, or exceeded its time limit."""
