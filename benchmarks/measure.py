"""Measuring two ways of doing the same work side by side."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes
    ----------
    work
        What one unit of work is.
    cost_ms, floor_ms
        Median processor time of one unit, as the product does it and as the floor does it.
    floor
        What the floor is.
    note
        What was faked or left out.
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
        """The cost of the product divided by that of the floor."""
        return self.cost_ms / self.floor_ms

    @property
    def per_second(self) -> float:
        """Records or requests a second on one core."""
        return 1000 * self.units_per_call / self.cost_ms


def cpu_medians_ms(
    works: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS, repeats: int = 1
) -> dict[str, float]:
    """Return each work's median processor time in milliseconds.

    The works take turns in every round, so that a busy machine slows all of them alike.
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
