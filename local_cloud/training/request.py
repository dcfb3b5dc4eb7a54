"""What a training job asks for, and who hears how it goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Channel:
    """An input channel: where it is in S3."""

    name: str
    s3_uri: str
    input_mode: str = "File"
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A metric that is read from the job's log by a regular expression with one group."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A training job as it was created.

    Attributes
    ----------
    spot
        Whether its machine may be taken away; then it may take `most_wait_s`, of which it trains `most_runtime_s`.
    """

    name: str
    arn: str
    entrypoint: Sequence[str]
    arguments: Sequence[str]
    image: str
    hyperparameters: Mapping[str, str]
    environment: Mapping[str, str]
    channels: Sequence[Channel]
    output_s3_uri: str
    checkpoints_s3_uri: str | None
    metrics: Sequence[MetricDefinition]
    most_runtime_s: float
    instance_type: str
    spot: bool = False
    most_wait_s: float = math.inf


class TrainingRecord(Protocol):
    """What DescribeTrainingJob tells; written by whoever runs the job."""

    def progress(self, secondary_status: str, message: str) -> None:
        """The job has come to another phase."""

    def complete(self, metrics: Mapping[str, float]) -> None:
        """The job has ended and its model is in S3."""

    def fail(self, reason: str) -> None:
        """The job has failed."""

    def stop(self, secondary_status: str, metrics: Mapping[str, float]) -> None:
        """The job was stopped, or ran into its time limit."""
