"""Progress of a training run as lines of text: states, results, and the training job's phases, log and metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.declarations.storage import TRAINING_LOG_GROUP
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import Unavailable
from alsolike.training import runs as training_history
from operations.client.deployment import Deployment
from operations.models import dataset_quality

_ENDED = ("Completed", "Failed", "Stopped")
_LAST_READS = 3
"""Number of reads of a job's log after the job has ended. CloudWatch shows lines some seconds late."""
_SILENT = ("First", "Decision", "StateOfCanary")
"""States of the workflow that are not reported, such as choices."""


class Watch:
    """Formatter of an execution's new events. Each line starts with the seconds since the start."""

    def __init__(self, deployment: Deployment, *, started: dt.datetime) -> None:
        self._deployment = deployment
        self._started = started
        self._shown: set[str] = set()
        self._job: _Job | None = None

    def lines(self, events: list[dict[str, Any]], *, now: dt.datetime) -> Iterator[str]:
        for event in events:
            at = self._elapsed(event["timestamp"])
            if (name := training_history.training_job(event)) is not None:
                self._job = _Job(self._deployment, name)
                yield f"{at}   job {name}"
            for text in self._texts(event):
                yield f"{at} {text}"
        if self._job is not None:
            for text in self._job.lines():
                yield f"{self._elapsed(now)}   {text}"

    def _texts(self, event: Mapping[str, Any]) -> Iterator[str]:
        if (state := training_history.entered_state(event)) is not None and state not in _SILENT:
            yield from self._once(state)  # A canary enters its states repeatedly.
        if (exited := training_history.state_output(event)) is not None and (text := self._found(*exited)):
            yield from self._once(f"  {text}")
        for name, details in event.items():
            if name.endswith("FailedEventDetails") and name != "executionFailedEventDetails":
                yield f"  {training_history.sentence(details)}"

    def _found(self, state: str, run: Mapping[str, Any]) -> str | None:
        """Return a line on the result of a state, or None if the state has no result to show."""
        if state == "StartTraining" and (start := run.get("start")):
            return f"run {start['run_id']}, {start['reason']}"
        # The names of the dataset states of Lambda and of Glue contain "Dataset".
        if "Dataset" in state and "run_id" in (dataset := run.get("dataset") or {}):
            built = dataset_quality.read_manifest(self._deployment, dataset["run_id"])
            counts = f"{built.interactions:,} interactions, {built.users:,} users, {built.items:,} items"
            return f"{counts}, {dataset['dataset_s3_uri']}"
        if state in ("Train", "TrainOnDemand") and (training := run.get("training")):
            return str(training["model_data_s3_uri"])
        if state == "RegisterModel" and (registration := run.get("registration")):
            failed = [reason for reason in registration["reasons"] if not reason.startswith("passed")]
            return "; ".join([f"version {registration['version']} {registration['verdict']}", *failed])
        if state.endswith("Canary") and (canary := run.get("canary")):
            return "; ".join([f"canary {canary['state'].replace('_', ' ')}", *canary["reasons"]])
        return None

    def _once(self, text: str) -> Iterator[str]:
        if text not in self._shown:
            self._shown.add(text)
            yield text

    def _elapsed(self, moment: dt.datetime) -> str:
        return f"[{max(0.0, (moment - self._started).total_seconds()):7.1f} s]"


class _Job:
    """Training job with its phases, its log and its final metrics."""

    def __init__(self, deployment: Deployment, name: str) -> None:
        self._sagemaker, self._logs = deployment.client("sagemaker"), deployment.client("logs")
        self._name = name
        self._phases = 0
        self._tokens: dict[str, str] = {}
        self._reads_left = _LAST_READS
        self._figures_shown = False

    def lines(self) -> Iterator[str]:
        if not self._reads_left:
            return
        job = self._described()
        if job is None:
            return
        phases = [transition["Status"] for transition in job.get("SecondaryStatusTransitions", ())]
        yield from phases[self._phases :]
        self._phases = len(phases)
        for line in self._log():
            yield f"| {line}"
        if job["TrainingJobStatus"] in _ENDED:
            self._reads_left -= 1
            figures = ", ".join(f"{m['MetricName']} {m['Value']:.4f}" for m in job.get("FinalMetricDataList") or ())
            if figures and not self._figures_shown:
                self._figures_shown = True
                yield f"figures: {figures}"

    def _described(self) -> Mapping[str, Any] | None:
        try:
            with translate_aws_errors(f"training job {self._name}"):
                answer: Mapping[str, Any] = self._sagemaker.describe_training_job(TrainingJobName=self._name)
        except Unavailable as error:
            if error.code in ("ValidationException", "ValidationError", "ResourceNotFound"):
                return None  # The job does not exist yet.
            raise
        return answer

    def _log(self) -> Iterator[str]:
        try:
            with translate_aws_errors(f"log group {TRAINING_LOG_GROUP}"):
                streams = self._logs.describe_log_streams(
                    logGroupName=TRAINING_LOG_GROUP, logStreamNamePrefix=f"{self._name}/"
                )
        except Unavailable as error:
            if error.code == "ResourceNotFoundException":
                return  # SageMaker creates the log group with the first job of an account.
            raise
        for stream in sorted(entry["logStreamName"] for entry in streams["logStreams"]):
            while True:
                token = self._tokens.get(stream)
                answer = self._logs.get_log_events(
                    logGroupName=TRAINING_LOG_GROUP,
                    logStreamName=stream,
                    startFromHead=True,
                    **({"nextToken": token} if token else {}),
                )
                for event in answer["events"]:
                    yield str(event["message"]).rstrip("\n")
                self._tokens[stream] = answer["nextForwardToken"]
                if not answer["events"] or answer["nextForwardToken"] == token:
                    break
