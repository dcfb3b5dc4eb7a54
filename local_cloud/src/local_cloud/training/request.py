"""Training job of moto: the request for its run, and the record of its progress."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Channel:
    name: str
    s3_uri: str
    input_mode: str = "File"
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Training job. If `spot` is true, `max_wait_s` limits the complete job, and `max_runtime_s` the training.

    `metrics` has regular expressions with one group, which read the metrics from the job's log.
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
    metrics: Mapping[str, str]
    max_runtime_s: float
    instance_type: str
    spot: bool = False
    max_wait_s: float = math.inf


def training_request(job: Any, environment: Mapping[str, str]) -> TrainingRequest:
    specification = job.algorithm_specification
    return TrainingRequest(
        name=job.training_job_name,
        arn=job.arn,
        role=job.role_arn,
        entrypoint=specification.get("ContainerEntrypoint") or [],
        arguments=specification.get("ContainerArguments") or [],
        image=specification.get("TrainingImage") or specification.get("AlgorithmName") or "",
        hyperparameters=job.hyper_parameters or {},
        environment=environment,
        channels=[
            Channel(
                name=channel["ChannelName"],
                s3_uri=((channel["DataSource"] or {}).get("S3DataSource") or {}).get("S3Uri", ""),
                input_mode=channel.get("InputMode") or specification.get("TrainingInputMode") or "File",
                content_type=channel.get("ContentType"),
            )
            for channel in job.input_data_config or []
        ],
        output_s3_uri=job.model_artifacts["S3ModelArtifacts"].rpartition("/")[0],
        checkpoints_s3_uri=(job.checkpoint_config or {}).get("S3Uri"),
        metrics={metric["Name"]: metric["Regex"] for metric in specification.get("MetricDefinitions") or []},
        max_runtime_s=float((job.stopping_condition or {}).get("MaxRuntimeInSeconds") or 86400),
        instance_type=(job.resource_config or {}).get("InstanceType") or "ml.m5.xlarge",
        spot=bool(job.enable_managed_spot_training),
        max_wait_s=float((job.stopping_condition or {}).get("MaxWaitTimeInSeconds") or math.inf),
    )


class TrainingRecord:
    """Progress of a training job in moto's record, which DescribeTrainingJob returns."""

    def __init__(self, job: Any, *, changed: Callable[[], None]) -> None:
        self._job = job
        self._changed = changed
        job.training_job_status, job.secondary_status = "InProgress", "Starting"
        job.training_start_time = job.training_end_time = None
        job.final_metric_data_list = []
        job.secondary_status_transitions = []
        self.progress("Starting", "Preparing the instances for training")

    def progress(self, secondary_status: str, message: str) -> None:
        now = datetime.now(UTC)
        if transitions := self._job.secondary_status_transitions:
            transitions[-1]["EndTime"] = now
        transitions.append({"Status": secondary_status, "StartTime": now, "StatusMessage": message})
        self._job.secondary_status, self._job.last_modified_time = secondary_status, now
        if secondary_status == "Training":
            self._job.training_start_time = now
        self._changed()

    def complete(self, metrics: Mapping[str, float]) -> None:
        self._end("Completed", "Completed", "Training job completed", metrics)

    def fail(self, reason: str) -> None:
        self._job.failure_reason = reason[:1024]
        self._end("Failed", "Failed", reason[:1024], {})

    def stop(self, secondary_status: str, metrics: Mapping[str, float]) -> None:
        self._end("Stopped", secondary_status, "Training job stopped", metrics)

    def _end(self, status: str, secondary_status: str, message: str, metrics: Mapping[str, float]) -> None:
        self.progress(secondary_status, message)
        now = datetime.now(UTC)
        self._job.training_end_time = now
        self._job.final_metric_data_list = [
            {"MetricName": name, "Value": value, "Timestamp": now} for name, value in metrics.items()
        ]
        # Last, so that clients that wait for the status can read all other values.
        self._job.training_job_status = status
        self._changed()
