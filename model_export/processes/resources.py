"""Seconds and memory that a piece of work took."""

from __future__ import annotations

import contextlib
import dataclasses
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"

_running: list[Cost] = []


@dataclasses.dataclass(slots=True, eq=False)
class Cost:
    """Cost of a piece of work.

    Attributes
    ----------
    seconds
        Wall time.
    peak_mb
        Largest resident memory of the whole process while it ran, in 10^6 bytes, and of those that it started. Where
        the kernel does not let a process reset its peak (not Linux, or a restricted container) it is the largest since
        the process began.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measure the body; the figures are there when it ends. Measurements may stand inside each other."""
    cost = Cost()
    _note_peak()  # resetting would hide it from the measurements around this one
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text(_RESET_PEAK)
    _running.append(cost)
    started = time.perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = time.perf_counter() - started
        _note_peak()
        _running.remove(cost)


def note_beside(peak_mb: float) -> None:
    """Add what another process had at its peak to what is measured now: both were there at once."""
    _note_peak(beside_mb=peak_mb)


def _note_peak(*, beside_mb: float = 0.0) -> None:
    peak_mb = _peak_bytes() / 1e6 + beside_mb
    for cost in _running:
        cost.peak_mb = max(cost.peak_mb, peak_mb)


def _peak_bytes() -> int:
    """Return the peak resident memory since it was last reset, or since the process began."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
