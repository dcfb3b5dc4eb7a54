"""Run of a Glue job of moto: the request for the run, and the record of its progress."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

OUTPUT_GROUP = "/aws-glue/jobs/output"
# Time limit in minutes of a run without a timeout.
_DEFAULT_TIMEOUT = 480
_LONGEST_MESSAGE = 4096


@dataclass(frozen=True, slots=True)
class JobRunRequest:
    """Request for a run. `kind` is `glueetl` (Spark) or `pythonshell`. Names in `arguments` start with two hyphens."""

    job_name: str
    run_id: str
    role: str
    kind: str
    script_s3_uri: str
    arguments: Mapping[str, str]
    max_runtime_s: float


def job_run_request(job: Any, run: Any) -> JobRunRequest:
    return JobRunRequest(
        job_name=job.name,
        run_id=run.job_run_id,
        role=job.role,
        kind=job.command["Name"],
        script_s3_uri=job.command["ScriptLocation"],
        arguments=run.arguments,
        max_runtime_s=60.0 * (run.timeout or _DEFAULT_TIMEOUT),
    )


class JobRunRecord:
    """Progress of a run in moto's record, which GetJobRun returns."""

    def __init__(self, job: Any, run: Any, *, changed: Callable[[], None]) -> None:
        self._run = run
        self._changed = changed
        run._transitions = []  # otherwise, moto changes the state when the run is described
        run.status = "STARTING"
        run.started_on = run.modified_on = datetime.now(UTC)
        run.completed_on = run.error_message = None
        run.execution_time = 0
        run.glue_version = job.glue_version

    def run(self) -> None:
        self._run.modified_on = datetime.now(UTC)
        self._run.status = "RUNNING"
        self._changed()

    def end(self, state: str, error_message: str | None = None) -> None:
        """Record the end of the run: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
        now = datetime.now(UTC)
        self._run.modified_on = self._run.completed_on = now
        self._run.execution_time = int((now - self._run.started_on).total_seconds())
        self._run.error_message = error_message and error_message[:_LONGEST_MESSAGE]
        # Last, so that clients that wait for the status can read all other values.
        self._run.status = state
        self._changed()


def described(run: Any, moto_response: dict[str, Any]) -> dict[str, Any]:
    """Return the response of GetJobRun for a run. moto's response has constants for some values."""
    known = {
        **moto_response,
        "CompletedOn": run.completed_on,
        "ErrorMessage": run.error_message,
        "ExecutionTime": run.execution_time,
        "GlueVersion": run.glue_version,
        "LogGroupName": OUTPUT_GROUP.rpartition("/")[0],
    }
    return {name: value for name, value in known.items() if value is not None}
