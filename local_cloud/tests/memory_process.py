"""Process in memory that stands for the process of a cloud."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Iterator

from local_cloud.state import CloudState

NO_PROCESS = 2**22 + 1
"""Process ID above the kernel's maximum."""


class MemoryProcess:
    """Process that prints lines and runs until a test ends it. A `deaf` process ignores `terminate`."""

    def __init__(self, *lines: str, pid: int = NO_PROCESS, deaf: bool = False) -> None:
        self.pid = pid
        self.stdin = io.StringIO()
        self.stdout = self
        self.calls: list[str] = []
        self._lines = lines
        self._deaf = deaf
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[str]:
        yield from (f"{line}\n" for line in self._lines)
        self._ended.wait(60)

    def close(self) -> None: ...

    def end(self) -> None:
        self._ended.set()

    def poll(self) -> int | None:
        return 0 if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(60 if timeout is None else timeout):
            raise subprocess.TimeoutExpired("cloud", timeout or 0)
        return 0

    def terminate(self) -> None:
        self.calls.append("terminate")
        if not self._deaf:
            self.end()

    def kill(self) -> None:
        self.calls.append("kill")
        self.end()


def state_of(pid: int, status: str = "ready", **fields: str) -> CloudState:
    return CloudState(status, pid, "us-east-1", "123456789012", "2026-01-30T10:00:00+00:00", "/cdk.out", **fields)  # type: ignore[arg-type]
