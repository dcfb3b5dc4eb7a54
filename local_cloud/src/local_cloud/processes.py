"""Subprocesses that end with this process, even if it is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

_GUARDIAN = Path(__file__).with_name("guardian.py")


class Processes:
    """Subprocesses, each in a separate session. `directory` is removed by `close`, or when this process ends."""

    def __init__(self, directory: Path) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        # -I -S ignores the environment and site-packages, so that the process starts in 10 ms.
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARDIAN), str(directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        output: int | IO[bytes],
        errors: int | IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output if errors is None else errors,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(process)
            self._notify_guardian(f"+{process.pid}")
        return process

    def kill(self, process: subprocess.Popen[bytes], *, grace_s: float = 0.0) -> None:
        """Kill a process and its descendants. With `grace_s`, send SIGTERM first."""
        family = _descendants(process)
        if grace_s > 0 and process.poll() is None:
            _signal_group(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace_s)
        _signal_group(process, signal.SIGKILL)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
        with self._lock:
            if process in self._running:
                self._running.remove(process)
                self._notify_guardian(f"-{process.pid}")

    def close(self) -> None:
        with self._lock:
            running = list(self._running)
        for process in running:
            self.kill(process)
        if self._guardian.stdin:
            self._guardian.stdin.close()
        self._guardian.wait()

    def _notify_guardian(self, line: str) -> None:
        if self._guardian.stdin:
            self._guardian.stdin.write(f"{line}\n".encode())
            self._guardian.stdin.flush()


def resident_bytes(process: subprocess.Popen[bytes], *, with_descendants: bool = True) -> int:
    """Return the resident memory of a process and its descendants in bytes, or 0 if the process has ended."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in (psutil.Process(process.pid), *(_descendants(process) if with_descendants else ())):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += member.memory_info().rss
    return total


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return list(psutil.Process(process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
