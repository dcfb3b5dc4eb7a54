"""Jobs that run in the background: each in a thread of its own, stopped by name or all at once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

# SageMaker gives a job 120 s between SIGTERM and SIGKILL.
STOP_GRACE_S = 10.0


@dataclass(slots=True)
class JobRun:
    """A run that goes on or has ended."""

    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


R = TypeVar("R", bound=JobRun)


class JobRuns(Generic[R]):
    """The runs of one service, by name.

    Attributes
    ----------
    grace_s
        How long a process has to end by itself once its run is stopped; 0 as soon as the cloud ends.
    """

    def __init__(self) -> None:
        self.grace_s = STOP_GRACE_S
        self._runs: dict[str, R] = {}

    def start(self, name: str, run: R, work: Callable[[], None], *, thread: str) -> None:
        """Begin a run that does `work`, in a thread of that name."""
        self._runs[name] = run
        run.thread = threading.Thread(target=work, name=thread, daemon=True)
        run.thread.start()

    def find(self, name: str) -> R | None:
        """Return the run of a name, if there has been one."""
        return self._runs.get(name)

    def stop(self, name: str) -> None:
        """Begin to stop a run."""
        if run := self._runs.get(name):
            run.stopping.set()

    def close(self) -> None:
        """Kill every run and wait until none goes on."""
        self.grace_s = 0.0
        for run in self._runs.values():
            run.stopping.set()
        for run in self._runs.values():
            if run.thread:
                run.thread.join(STOP_GRACE_S)
