"""Request for a run of a Glue job, and the record of its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class JobRunRequest:
    """Request for a run.

    Attributes
    ----------
    kind
        Name of the command: `glueetl` for Spark, or `pythonshell` for plain Python.
    arguments
        Arguments of the job and the run, by name with two hyphens. Arguments of the run override arguments of the job.
    """

    job_name: str
    run_id: str
    role: str
    kind: str
    script_s3_uri: str
    arguments: Mapping[str, str]
    max_runtime_s: float


class JobRunRecord(Protocol):
    """State that GetJobRun returns. The runner of the job updates it."""

    def run(self) -> None:
        """Record that the script runs."""

    def end(self, state: str, error_message: str | None = None) -> None:
        """Record the end of the run: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
