"""Measurement of duration and peak memory."""

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
    """Cost of measured code.

    Attributes
    ----------
    seconds
        Wall-clock time.
    peak_mb
        Peak resident memory of this process and its side process, in 10^6 bytes. If the kernel cannot reset the peak
        (not Linux, or a restricted container), it is the peak since the start of the process.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextlib.contextmanager
def measured() -> Iterator[Cost]:
    """Measure the body. The yielded cost is set when the body ends. Measurements can be nested."""
    cost = Cost()
    _note_peak()  # the reset would hide the peak from outer measurements
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
    """Add the peak memory of a concurrent process to the running measurements."""
    _note_peak(beside_mb=peak_mb)


def _note_peak(*, beside_mb: float = 0.0) -> None:
    peak_mb = _peak_bytes() / 1e6 + beside_mb
    for cost in _running:
        cost.peak_mb = max(cost.peak_mb, peak_mb)


def _peak_bytes() -> int:
    """Return the peak resident memory since the last reset, or since the start of the process."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
