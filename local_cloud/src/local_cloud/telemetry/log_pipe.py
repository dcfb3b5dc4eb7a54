"""Pipe that passes output lines of subprocesses to a log stream."""

import os
import threading
import uuid
from typing import Protocol


class LineSink(Protocol):
    def __call__(self, group: str, stream: str, message: str, /) -> None: ...


_LAST_LINES_S = 30.0
"""Maximum time in seconds that `close` waits for the lines in the pipe."""


class LineOutput:
    """Pipe to a log stream. Its lines keep the order in which processes and `write` add them."""

    def __init__(self, sink: LineSink, group: str, stream: str) -> None:
        self._read, self._write = os.pipe()
        self._lock = threading.Lock()
        self._closed = False
        self._marks: dict[str, threading.Event] = {}
        self._thread = threading.Thread(target=self._pump, args=(sink, group, stream), daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        return self._write

    def write(self, line: str) -> None:
        """Write a line of this process. After `close`, lines are discarded."""
        with self._lock:
            if not self._closed:
                os.write(self._write, f"{line}\n".encode())

    def settle(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` until the sink has all lines that are in the pipe."""
        self._mark().wait(timeout_s)

    def close(self) -> None:
        """Wait at most `_LAST_LINES_S` until the sink has all lines, and close the write end of the pipe."""
        self.settle(_LAST_LINES_S)
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._write)

    def _mark(self) -> threading.Event:
        """Write a line to the pipe. `_pump` sets the returned event when it reads this line."""
        name, passed = uuid.uuid4().hex, threading.Event()
        with self._lock:
            if self._closed:
                passed.set()
                return passed
            self._marks[name] = passed
            try:
                os.write(self._write, f"\n{name}\n".encode())  # The first line break ends an incomplete line.
            except BrokenPipeError:  # The sink has failed.
                passed.set()
        return passed

    def _pump(self, sink: LineSink, group: str, stream: str) -> None:
        with os.fdopen(self._read, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                if mark := self._marks.pop(line.rstrip("\n"), None):
                    mark.set()
                    continue
                # awslambdaric joins the lines of an error with carriage returns, so that the error is one event.
                if message := line.rstrip("\n").replace("\r", "\n"):
                    sink(group, stream, message)
