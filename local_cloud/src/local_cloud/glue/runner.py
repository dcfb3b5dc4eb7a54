"""Runner of Glue jobs. The script is a subprocess with Glue's arguments, states and logs."""

import os
import sys
import tempfile
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.deployment import Clients
from local_cloud.glue.request import OUTPUT_GROUP, JobRunRecord, JobRunRequest
from local_cloud.glue.spark import SparkMissing, check_spark, write_spark_defaults
from local_cloud.job_runs import JobRun, JobRunner
from local_cloud.telemetry.log_pipe import LineOutput, LineSink
from local_cloud.training.directories import InputError, SyncedDirectory, split_s3_uri

ERROR_GROUP = "/aws-glue/jobs/error"
_SESSION = "GlueJobRunnerSession"
_WATCH_S = 0.1
_SPARK, _PYTHON = "glueetl", "pythonshell"
_FILES = "--extra-py-files"
# Arguments for Glue itself. The script does not read or write these URIs.
_NOT_MIRRORED = (_FILES, "--extra-files", "--additional-python-modules", "--TempDir", "--spark-event-logs-path")


class GlueRunner(JobRunner[JobRun]):
    def start(self, request: JobRunRequest, record: JobRunRecord) -> None:
        run = JobRun()
        self._start(request.run_id, run, lambda: self._run(request, record, run), thread=f"glue {request.job_name}")

    def _run(self, request: JobRunRequest, record: JobRunRecord, run: JobRun) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="glue-", dir=self.directory, ignore_cleanup_errors=True) as base:
                record.end(*self._run_below(Path(base), request, record, run))
        except (InputError, SparkMissing, BotoCoreError, ClientError, OSError) as error:
            record.end("FAILED", f"{type(error).__name__}: {error}")
        except Exception as error:
            record.end("FAILED", f"InternalServiceException: {type(error).__name__}: {error}")
            raise

    def _run_below(
        self, base: Path, request: JobRunRequest, record: JobRunRecord, run: JobRun
    ) -> tuple[str, str | None]:
        if request.kind not in (_SPARK, _PYTHON):
            raise InputError(f"the command {request.kind!r} cannot run here, only {_SPARK} and {_PYTHON} can")
        if request.kind == _SPARK:
            check_spark()
        clients = self.clients(request.role, _SESSION)
        script = _download(request.script_s3_uri, base / "script", clients)
        libraries = [
            _download(uri.strip(), base / "libraries" / str(number), clients)
            for number, uri in enumerate(request.arguments.get(_FILES, "").split(","))
            if uri.strip()
        ]
        # Buckets are directories, so that Spark can read and write them without a connector for S3. They are not
        # synchronised while the script runs.
        buckets: dict[str, SyncedDirectory] = {}
        for name, value in request.arguments.items():
            if name not in _NOT_MIRRORED and value.startswith("s3://"):
                bucket, prefix = split_s3_uri(value)
                synced = SyncedDirectory(base / "s3" / bucket, f"s3://{bucket}", clients)
                buckets.setdefault(bucket, synced).download(prefix)
        places = {bucket: synced.directory for bucket, synced in buckets.items()}
        write_spark_defaults(base, places, more=request.arguments.get("--conf", ""))
        record.run()
        ending = self._execute(request, base, script, libraries, run)
        for checksum in (base / "s3").rglob(".*.crc"):  # Hadoop writes them next to files.
            checksum.unlink()
        for synced in buckets.values():
            synced.upload(delete=True)
        return ending

    def _execute(
        self, request: JobRunRequest, base: Path, script: Path, libraries: list[Path], run: JobRun
    ) -> tuple[str, str | None]:
        command = [sys.executable, str(script), "--JOB_NAME", request.job_name, "--JOB_RUN_ID", request.run_id]
        for name, value in request.arguments.items():
            command += [name, value]
        raised = _Raised(self.pump.log)
        output = LineOutput(self.pump.log, OUTPUT_GROUP, request.run_id)
        errors = LineOutput(raised.take, ERROR_GROUP, request.run_id)
        try:
            process = self.processes.start(
                command,
                environment=self._variables(base, libraries, request),
                directory=base,
                output=output.fileno(),
                errors=errors.fileno(),
            )
            deadline, ended = time.monotonic() + request.max_runtime_s, None
            while process.poll() is None and ended is None:
                if run.stopping.wait(_WATCH_S):
                    ended = "STOPPED"
                elif time.monotonic() >= deadline:
                    ended = "TIMEOUT"
            self.processes.kill(process, grace_s=self.grace_s if ended else 0.0)
        finally:
            output.close()
            errors.close()
        if ended:
            return ended, f"{request.run_id} ran longer than its time limit" if ended == "TIMEOUT" else None
        if process.returncode == 0:
            return "SUCCEEDED", None
        return "FAILED", raised.message or f"the script ended with exit code {process.returncode}"

    def _variables(self, base: Path, libraries: list[Path], request: JobRunRequest) -> dict[str, str]:
        temporary = base / "tmp"
        temporary.mkdir()
        return {
            **self.environment,
            **self.credentials(request.role, _SESSION),
            "HOME": str(base),
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": os.pathsep.join(str(file.parent if file.suffix == ".py" else file) for file in libraries),
            "PYTHONUNBUFFERED": "1",
            "SPARK_CONF_DIR": str(base),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "TMPDIR": str(temporary),
        }


def _download(s3_uri: str, directory: Path, clients: Clients) -> Path:
    bucket, key = split_s3_uri(s3_uri)
    directory.mkdir(parents=True)
    file = directory / key.rpartition("/")[2]
    clients("s3").download_file(bucket, key, str(file))
    return file


class _Raised:
    """Reader of a script's error output that finds the last printed exception."""

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink
        self._inside = False
        self.message: str | None = None

    def take(self, group: str, stream: str, line: str) -> None:
        """Pass a line on. The first unindented line after a traceback contains the exception."""
        self._sink(group, stream, line)
        if line.startswith("Traceback (most recent call last)"):
            self._inside = True
        elif self._inside and not line.startswith(" "):
            self._inside, self.message = False, line
