"""Background jobs, each with a thread and a subprocess. They can be stopped by name, or all together."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from local_cloud.deployment import Clients
from local_cloud.processes import Processes
from local_cloud.telemetry.log_sender import Pump

# Seconds between SIGTERM and SIGKILL of a stopped run. SageMaker waits 120 s.
STOP_GRACE_S = 10.0


@dataclass(slots=True)
class JobRun:
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


R = TypeVar("R", bound=JobRun)


@dataclass(kw_only=True)
class JobRunner(Generic[R]):
    """Runner of a service's jobs. `clients` and `credentials` take the ARN of a role and the name of a session."""

    clients: Callable[[str, str], Clients]
    credentials: Callable[[str, str], Mapping[str, str]]
    processes: Processes
    pump: Pump
    directory: Path
    environment: Mapping[str, str]
    runs: dict[str, R] = field(default_factory=dict, init=False)
    grace_s: float = field(default=STOP_GRACE_S, init=False)
    """Seconds between SIGTERM and SIGKILL when a run is stopped. It is 0 when the cloud ends."""

    def stop(self, name: str) -> None:
        if run := self.runs.get(name):
            run.stopping.set()

    def close(self) -> None:
        self.grace_s = 0.0
        for run in self.runs.values():
            run.stopping.set()
        for run in self.runs.values():
            if run.thread:
                run.thread.join(STOP_GRACE_S)

    def _start(self, name: str, run: R, work: Callable[[], None], *, thread: str) -> None:
        self.runs[name] = run
        run.thread = threading.Thread(target=work, name=thread, daemon=True)
        run.thread.start()
