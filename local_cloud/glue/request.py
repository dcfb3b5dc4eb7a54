"""What a run of a Glue job asks for, and who hears how it goes."""

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
    """What GetJobRun tells; written by whoever runs the job."""

    def run(self) -> None:
        """The script runs."""

    def end(self, state: str, error_message: str | None = None) -> None:
        """The run is over: SUCCEEDED, FAILED, TIMEOUT or STOPPED."""
