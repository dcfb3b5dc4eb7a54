"""Request for a run of a Glue job, and the record of its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


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


class JobRunRecord(Protocol):
    """State that GetJobRun returns."""

    def run(self) -> None: ...

    def end(self, state: str, error_message: str | None = None) -> None:
        """Record the end of the run: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
