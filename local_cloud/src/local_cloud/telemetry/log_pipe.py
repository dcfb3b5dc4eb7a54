"""Pipe that passes output lines of subprocesses to a log stream."""

import os
import threading
from typing import Protocol


class LineSink(Protocol):
    def __call__(self, group: str, stream: str, message: str, /) -> None: ...


class LineOutput:
    """Pipe to a log stream. Its lines keep the order in which processes and `write` add them."""

    def __init__(self, sink: LineSink, group: str, stream: str) -> None:
        self._read, self._write = os.pipe()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._pump, args=(sink, group, stream), daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        return self._write

    def write(self, line: str) -> None:
        """Write a line of this process. After `close`, lines are discarded."""
        with self._lock:
            if not self._closed:
                os.write(self._write, f"{line}\n".encode())

    def close(self) -> None:
        """Close this end of the pipe and pass on the remaining lines.

        Wait at most 1 s for processes that still hold the pipe open.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._write)
        self._thread.join(timeout=1)

    def _pump(self, sink: LineSink, group: str, stream: str) -> None:
        with os.fdopen(self._read, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                # awslambdaric joins the lines of an error with carriage returns, so that the error is one event.
                if message := line.rstrip("\n").replace("\r", "\n"):
                    sink(group, stream, message)
