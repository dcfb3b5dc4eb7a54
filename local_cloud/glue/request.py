"""Request for a run of a Glue job, and the record of its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class JobRunRequest:
    """A run as it was started.

    Attributes
    ----------
    kind
        The command's name: ``glueetl`` is Spark, ``pythonshell`` plain Python.
    arguments
        The job's with the run's over them, by name with its two hyphens.
    """

    job_name: str
    run_id: str
    kind: str
    script_s3_uri: str
    arguments: Mapping[str, str]
    most_runtime_s: float


class JobRunRecord(Protocol):
    """State that GetJobRun returns; the runner of the job writes it."""

    def run(self) -> None:
        """Record that the script runs."""

    def end(self, state: str, error_message: str | None = None) -> None:
        """Record that the run has ended: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
