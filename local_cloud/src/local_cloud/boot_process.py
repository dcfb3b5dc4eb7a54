"""Start of a cloud in another process."""

import collections
import contextlib
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from local_cloud.state import FAILED, FAILED_LINE, READY_LINE, CloudState, StateError

_LINES_KEPT = 40
_STOP_TIMEOUT_S = 30.0


class Booting:
    """Reader of a cloud's output. It also reads the output after the start, so that the cloud does not block.

    If the context ends with an error, such as an interruption, the cloud is stopped, because no client could reach it.
    """

    def __init__(self, process: subprocess.Popen[str], path: Path, progress: Callable[[str], None]) -> None:
        self.settled = threading.Event()
        self.ready = False
        self._process = process
        self._path = path
        self._progress = progress
        self._lines: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        try:
            self._end()
        except OSError as failed:  # The state file is unreadable. Raise the context's error instead.
            raise error from failed

    def failure(self, timeout_s: float) -> str:
        if not self.settled.is_set():
            return f"the cloud is not ready after {timeout_s:g} s; it said last: {' | '.join(list(self._lines)[-3:])}"
        try:
            state = CloudState.read(self._path)
        except StateError:
            state = None
        if state is not None and state.status == FAILED and state.pid == self._process.pid:
            return f"{FAILED_LINE} {state.error}"
        return "\n".join(self._lines) or "the cloud does not boot and says nothing"

    def _end(self) -> None:
        """Stop the cloud during its start. A second interruption kills it."""
        with contextlib.ExitStack() as ending:  # the last callback is called first
            ending.callback(CloudState.forget, self._path, pid=self._process.pid)
            ending.callback(self._process.wait)
            ending.callback(self._process.kill)  # Has no effect on a process that has ended.
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # After the timeout, the callback kills the process.
                self._process.wait(_STOP_TIMEOUT_S)

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        try:
            for line in self._process.stdout:
                self._lines.append(line.rstrip("\n"))
                if line.startswith(READY_LINE):
                    self.ready = True
                    self.settled.set()
                elif not self.ready and not line.startswith(FAILED_LINE):  # `failure` returns the reason of the failure
                    self._progress(line.rstrip("\n"))
        except ValueError:
            pass  # `Cloud.stop` has closed the stream
        self._process.wait()
        self.settled.set()
