"""Runner of training jobs: the container's entry point as a subprocess, with SageMaker's directories and statuses."""

import contextlib
import re
import shlex
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.job_runs import JobRun, JobRunner
from local_cloud.telemetry.log_pipe import LineOutput, LineSink
from local_cloud.training import directories
from local_cloud.training.directories import InputError, SyncedDirectory
from local_cloud.training.request import TrainingRecord, TrainingRequest

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CONTAINER_BASE = "/opt/ml"
_WATCH_S = 0.1
_CHECKPOINTS_EVERY_S = 1.0
INTERRUPTED = "Interrupted"
_SESSION = "SageMaker"


def placed(argument: str, base: Path) -> str:
    """Return an argument of the entry point in which the job's directory replaces the container's directory.

    An argument with a space counts as a shell script, so a directory with special characters is quoted.
    """
    return argument.replace(CONTAINER_BASE, shlex.quote(str(base)) if " " in argument else str(base))


@dataclass(slots=True, kw_only=True)
class _Job(JobRun):
    request: TrainingRequest
    record: TrainingRecord
    waits_until: float
    interrupted: threading.Event = field(default_factory=threading.Event)
    trained_s: float = 0.0


class TrainingRunner(JobRunner[_Job]):
    def start(self, request: TrainingRequest, record: TrainingRecord) -> None:
        job = _Job(request=request, record=record, waits_until=time.monotonic() + request.max_wait_s)
        self._start(request.name, job, lambda: self._run(job), thread=f"train {request.name}")

    def interrupt(self, name: str) -> None:
        """Interrupt a spot job. It restarts from its stored checkpoints in a new directory, as on another machine."""
        job = self.runs.get(name)
        if job is None or not job.request.spot or not (job.thread and job.thread.is_alive()):
            raise ValueError(f"no training job {name!r} runs on spare capacity")
        job.interrupted.set()

    def _run(self, job: _Job) -> None:
        try:
            self._train(job)
        except InputError as error:
            job.record.fail(f"ClientError: {error}")
        except (BotoCoreError, ClientError, OSError) as error:
            job.record.fail(f"ClientError: {type(error).__name__}: {error}")
        except Exception as error:
            job.record.fail(f"InternalServerError: {type(error).__name__}: {error}")
            raise

    def _train(self, job: _Job) -> None:
        if not job.request.entrypoint:
            image = job.request.image
            raise InputError(
                f"AlgorithmSpecification.ContainerEntrypoint is needed here: the image {image!r} cannot be run"
            )
        while True:
            with tempfile.TemporaryDirectory(prefix="job-", dir=self.directory, ignore_cleanup_errors=True) as base:
                if self._train_below(Path(base), job):
                    return
            job.interrupted.clear()
            job.record.progress("Starting", "Preparing the instances for training")

    def _train_below(self, base: Path, job: _Job) -> bool:
        """Run the job below `base`. Return true if it ended, and false if it was interrupted."""
        request, record, clients = job.request, job.record, self.clients(job.request.role, _SESSION)
        checkpoints = SyncedDirectory(base / "checkpoints", request.checkpoints_s3_uri, clients)
        directories.prepare_directories(base, request)
        record.progress("Downloading", "Downloading input data")
        for channel in request.channels:
            directories.download_channel(channel, base, clients)
        checkpoints.download()
        record.progress("Training", "Training image download completed. Training in progress.")
        metrics = _Metrics(request, self.pump.log)
        exit_code, stopped = self._execute(base, job, metrics, checkpoints)
        if stopped == INTERRUPTED:
            checkpoints.upload()
            record.progress(INTERRUPTED, "Training job interrupted")
            return False
        record.progress("Uploading", "Uploading generated training model")
        if any((base / "model").iterdir()) and (stopped or not exit_code):
            directories.upload_archive(base / "model", f"{request.output_s3_uri}/model.tar.gz", clients)
        if any((base / "output" / "data").iterdir()):
            directories.upload_archive(base / "output" / "data", f"{request.output_s3_uri}/output.tar.gz", clients)
        checkpoints.upload()
        if stopped:
            record.stop(stopped, metrics.latest)
        elif exit_code:
            record.fail(failure_reason(base / "output" / "failure", exit_code))
        else:
            record.complete(metrics.latest)
        return True

    def _execute(
        self, base: Path, job: _Job, metrics: "_Metrics", checkpoints: SyncedDirectory
    ) -> tuple[int, str | None]:
        """Run the entry point. Return its exit code, and the secondary status of a stopped or interrupted job."""
        request = job.request
        command = [placed(part, base) for part in (*request.entrypoint, *request.arguments)]
        output = LineOutput(metrics.take, LOG_GROUP, f"{request.name}/algo-1-{int(time.time())}")
        with contextlib.closing(output):
            try:
                process = self.processes.start(
                    command, environment=self._variables(request, base), directory=base, output=output.fileno()
                )
            except OSError as error:
                raise InputError(f"the entry point {shlex.join(command)} cannot be started: {error}") from error
            try:
                stopped = self._await(process, job, checkpoints)
            finally:
                self.processes.kill(process)
            return process.returncode, stopped

    def _await(self, process: subprocess.Popen[bytes], job: _Job, checkpoints: SyncedDirectory) -> str | None:
        started = uploaded = time.monotonic()
        deadline = started + job.request.max_runtime_s - job.trained_s
        try:
            while process.poll() is None:
                stopped = "Stopped" if job.stopping.wait(_WATCH_S) else None
                now = time.monotonic()
                stopped = stopped or ("MaxRuntimeExceeded" if now >= deadline else None)
                stopped = stopped or ("MaxWaitTimeExceeded" if now >= job.waits_until else None)
                stopped = stopped or (INTERRUPTED if job.interrupted.is_set() else None)
                if stopped and process.poll() is None:
                    self.processes.kill(process, grace_s=self.grace_s)
                    return stopped
                if now - uploaded >= _CHECKPOINTS_EVERY_S:
                    checkpoints.upload()
                    uploaded = now
            return None
        finally:
            job.trained_s += time.monotonic() - started

    def _variables(self, request: TrainingRequest, base: Path) -> dict[str, str]:
        temporary = base / "tmp"
        temporary.mkdir()
        return {
            **self.environment,
            **self.credentials(request.role, _SESSION),
            "HOME": str(base),
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_BASE_DIR": str(base),
            "TMPDIR": str(temporary),
            "TRAINING_JOB_ARN": request.arn,
            "TRAINING_JOB_NAME": request.name,
            **request.environment,
        }


class _Metrics:
    """Reader of a job's output that finds the latest values of its metrics."""

    def __init__(self, request: TrainingRequest, sink: LineSink) -> None:
        self._sink = sink
        self._patterns = {name: re.compile(pattern) for name, pattern in request.metrics.items()}
        self.latest: dict[str, float] = {}

    def take(self, group: str, stream: str, line: str) -> None:
        self._sink(group, stream, line)
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(line):
                try:
                    self.latest[name] = float(match[1])
                except (IndexError, ValueError, TypeError):
                    continue


def failure_reason(failure_file: Path, exit_code: int) -> str:
    """Return FailureReason: the text in `output/failure` if the job wrote it, and the exit code or signal."""
    ending = f"exit code: {exit_code}" if exit_code > 0 else f"killed by signal {-exit_code}"
    if not failure_file.is_file():
        return f"AlgorithmError: {ending}"
    text = failure_file.read_text(encoding="utf-8", errors="replace").strip()[:900]
    return f"AlgorithmError: {text}, {ending}"
