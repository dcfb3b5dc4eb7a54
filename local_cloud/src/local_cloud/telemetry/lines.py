"""Pipe for the output lines of subprocesses to a log stream."""

import os
import threading
from typing import Protocol


class LineSink(Protocol):
    """Destination of a log stream's lines."""

    def __call__(self, group: str, stream: str, message: str, /) -> None:
        """Add a line to a log stream."""


class LineOutput:
    """Pipe to one log stream; its lines keep the order in which processes and `write` add them."""

    def __init__(self, sink: LineSink, group: str, stream: str) -> None:
        self._read, self._write = os.pipe()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._pump, args=(sink, group, stream), daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Return the file descriptor for a subprocess."""
        return self._write

    def write(self, line: str) -> None:
        """Write a line of this process; lines are dropped after `close`."""
        with self._lock:
            if not self._closed:
                os.write(self._write, f"{line}\n".encode())

    def close(self) -> None:
        """End the stream after the lines in the pipe, without waiting for processes that still hold the pipe open."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._write)
        self._thread.join(timeout=1)

    def _pump(self, sink: LineSink, group: str, stream: str) -> None:
        with os.fdopen(self._read, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                # awslambdaric joins the lines of one event by carriage returns, as Lambda's own log does.
                if message := line.rstrip("\n").replace("\r", "\n"):
                    sink(group, stream, message)


class LineLog:
    """Factory of outputs that all go to one sink."""

    def __init__(self, sink: LineSink) -> None:
        self._sink = sink

    def open(self, group: str, stream: str) -> LineOutput:
        """Open the output for a log stream."""
        return LineOutput(self._sink, group, stream)
