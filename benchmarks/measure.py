"""Processor times of several implementations of the same work, measured in one run."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """Line of the table.

    `cost_ms` and `floor_ms` are processor times per call, usually medians. `units_per_call` counts, for example,
    records or requests.
    """

    benchmark: str
    work: str
    cost_ms: float
    floor: str
    floor_ms: float
    units_per_call: int = 1
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.cost_ms / self.floor_ms

    @property
    def per_second(self) -> float:
        """Units, for example records or requests, per second on one core."""
        return 1000 * self.units_per_call / self.cost_ms


def cpu_medians_ms(
    works: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS, repeats: int = 1
) -> dict[str, float]:
    """Return the median processor time per call by name, in ms.

    Each function is first called once, unmeasured. The functions alternate in every round, so that other load on the
    machine slows all of them equally.
    """
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            for _ in range(repeats):
                work()
            times[name].append((time.process_time() - start) * 1000 / repeats)
    return {name: statistics.median(values) for name, values in times.items()}
