"""Runner of training jobs: the container's entry point as a subprocess, with SageMaker's directories and statuses."""

import re
import shlex
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients
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


def placed(argument: str, base: Path) -> str:
    """Return an argument of the entry point in which the job's directory replaces the container's directory.

    An argument with a space counts as a shell script, so a directory with special characters is quoted.
    """
    return argument.replace(CONTAINER_BASE, shlex.quote(str(base)) if " " in argument else str(base))


@dataclass(slots=True, kw_only=True)
class _Running(JobRun):
    spot: bool
    waits_until: float
    interrupted: threading.Event = field(default_factory=threading.Event)
    trained_s: float = 0.0


class TrainingRunner(JobRunner[_Running]):
    def start(self, request: TrainingRequest, record: TrainingRecord) -> None:
        running = _Running(spot=request.spot, waits_until=time.monotonic() + request.max_wait_s)
        self._start(request.name, running, lambda: self._run(request, record, running), thread=f"train {request.name}")

    def interrupt(self, name: str) -> None:
        """Interrupt a spot job. It restarts from its stored checkpoints in a new directory, as on another machine."""
        running = self.runs.get(name)
        if running is None or not running.spot or not (running.thread and running.thread.is_alive()):
            raise ValueError(f"no training job {name!r} runs on spare capacity")
        running.interrupted.set()

    def _run(self, request: TrainingRequest, record: TrainingRecord, running: _Running) -> None:
        try:
            self._train(request, record, running)
        except InputError as error:
            record.fail(f"ClientError: {error}")
        except (BotoCoreError, ClientError, OSError) as error:
            record.fail(f"ClientError: {type(error).__name__}: {error}")
        except Exception as error:
            record.fail(f"InternalServerError: {type(error).__name__}: {error}")
            raise

    def _train(self, request: TrainingRequest, record: TrainingRecord, running: _Running) -> None:
        if not request.entrypoint:
            raise InputError(
                f"AlgorithmSpecification.ContainerEntrypoint is needed here: the image {request.image!r} cannot be run"
            )
        while True:
            with tempfile.TemporaryDirectory(prefix="job-", dir=self.directory, ignore_cleanup_errors=True) as base:
                if self._train_below(Path(base), request, record, running):
                    return
            running.interrupted.clear()
            record.progress("Starting", "Preparing the instances for training")

    def _train_below(self, base: Path, request: TrainingRequest, record: TrainingRecord, running: _Running) -> bool:
        """Run the job below `base`. Return true if it ended, and false if it was interrupted."""
        clients = self.clients(request.role)
        checkpoints = SyncedDirectory(base / "checkpoints", request.checkpoints_s3_uri, clients)
        directories.prepare_directories(base, request)
        record.progress("Downloading", "Downloading input data")
        for channel in request.channels:
            directories.download_channel(channel, base, clients)
        checkpoints.download()
        record.progress("Training", "Training image download completed. Training in progress.")
        metrics = _Metrics(request, self.pump.log)
        ending = self._execute(request, base, running, metrics, checkpoints)
        if ending.stopped == INTERRUPTED:
            checkpoints.upload()
            record.progress(INTERRUPTED, "Training job interrupted")
            return False
        self._upload(request, record, base, ending, clients)
        checkpoints.upload()
        if ending.stopped:
            record.stop(ending.stopped, metrics.latest)
        elif ending.exit_code:
            record.fail(failure_reason(base / "output" / "failure", ending.exit_code))
        else:
            record.complete(metrics.latest)
        return True

    def _execute(
        self,
        request: TrainingRequest,
        base: Path,
        running: _Running,
        metrics: "_Metrics",
        checkpoints: SyncedDirectory,
    ) -> "_Ending":
        output = LineOutput(metrics.take, LOG_GROUP, f"{request.name}/algo-1-{int(time.time())}")
        try:
            command = [placed(part, base) for part in (*request.entrypoint, *request.arguments)]
            try:
                process = self.processes.start(
                    command, environment=self._variables(request, base), directory=base, output=output.fileno()
                )
            except OSError as error:
                raise InputError(f"the entry point {shlex.join(command)} cannot be started: {error}") from error
            try:
                stopped = self._await(process, request, running, checkpoints)
            finally:
                self.processes.kill(process)
            return _Ending(exit_code=process.returncode, stopped=stopped)
        finally:
            output.close()

    def _await(
        self,
        process: subprocess.Popen[bytes],
        request: TrainingRequest,
        running: _Running,
        checkpoints: SyncedDirectory,
    ) -> str | None:
        """Wait for the process. Return the secondary status of a stopped or interrupted job, or None."""
        started = uploaded = time.monotonic()
        deadline = started + request.max_runtime_s - running.trained_s
        try:
            while process.poll() is None:
                stopped = "Stopped" if running.stopping.wait(_WATCH_S) else None
                now = time.monotonic()
                stopped = stopped or ("MaxRuntimeExceeded" if now >= deadline else None)
                stopped = stopped or ("MaxWaitTimeExceeded" if now >= running.waits_until else None)
                stopped = stopped or (INTERRUPTED if running.interrupted.is_set() else None)
                if stopped and process.poll() is None:
                    self.processes.kill(process, grace_s=self.grace_s)
                    return stopped
                if now - uploaded >= _CHECKPOINTS_EVERY_S:
                    checkpoints.upload()
                    uploaded = now
            return None
        finally:
            running.trained_s += time.monotonic() - started

    def _upload(
        self, request: TrainingRequest, record: TrainingRecord, base: Path, ending: "_Ending", clients: Clients
    ) -> None:
        record.progress("Uploading", "Uploading generated training model")
        if any((base / "model").iterdir()) and (ending.stopped or not ending.exit_code):
            directories.upload_archive(base / "model", f"{request.output_s3_uri}/model.tar.gz", clients)
        if any((base / "output" / "data").iterdir()):
            directories.upload_archive(base / "output" / "data", f"{request.output_s3_uri}/output.tar.gz", clients)

    def _variables(self, request: TrainingRequest, base: Path) -> dict[str, str]:
        temporary = base / "tmp"
        temporary.mkdir()
        return {
            **self.environment,
            **self.credentials(request.role),
            "HOME": str(base),
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_BASE_DIR": str(base),
            "TMPDIR": str(temporary),
            "TRAINING_JOB_ARN": request.arn,
            "TRAINING_JOB_NAME": request.name,
            **request.environment,
        }


@dataclass(frozen=True, slots=True)
class _Ending:
    exit_code: int
    stopped: str | None


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
