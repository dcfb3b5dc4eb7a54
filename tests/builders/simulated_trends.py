"""Simulated counters of a shop whose items keep their shares of visits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from alsolike.trends.counters import NOTHING_COUNTED, Event, ShardCounts

HOUR_MS = 3_600_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class StationaryShop:
    """Shop with Zipf-distributed items.

    Attributes
    ----------
    visits
        Mean number of visits per hour, with one item each.
    per_visit
        Mean number of events per visit.
    weights
        Weights of events, drawn with equal probability. A repeated weight has a higher probability.
    rising
        Event rate of the tenth most popular item in the last hour, relative to its usual rate.
    """

    items: int = 500
    visits: int = 2_000
    per_visit: float = 1.0
    weights: tuple[float, ...] = (1.0,)
    rising: float = 1.0

    def hours(self, draws: np.random.Generator, *, warm_up: int, looks: int, apart: int) -> Iterator[ShardCounts]:
        """Yield the counters after the warm-up, every `apart` hours."""
        counts, now_ms = NOTHING_COUNTED, 0
        for hour in range(warm_up + looks * apart):
            now_ms += HOUR_MS
            is_look = hour >= warm_up and (hour - warm_up + 1) % apart == 0
            before, counts = counts, self._add(counts, draws, now_ms=now_ms, rising=1.0)
            if is_look:
                yield counts if self.rising == 1 else self._add(before, draws, now_ms=now_ms, rising=self.rising)

    def _add(self, counts: ShardCounts, draws: np.random.Generator, *, now_ms: int, rising: float) -> ShardCounts:
        rates = self.visits / np.arange(1, self.items + 1) / np.sum(1 / np.arange(1, self.items + 1))
        rates[9] *= rising
        item = np.repeat(np.arange(self.items), draws.poisson(rates))
        number = 1 + draws.poisson(self.per_visit - 1, len(item))
        times = np.repeat(now_ms - draws.uniform(0, HOUR_MS, len(item)), number)
        item = np.repeat(item, number)
        weights = draws.choice(self.weights, len(item))
        events = [
            Event(counts.sequence + 1 + index, f"i{rank}", int(time_ms), weight)
            for index, (rank, time_ms, weight) in enumerate(
                zip(item.tolist(), times.tolist(), weights.tolist(), strict=True)
            )
        ]
        return counts.add(events, sequence=counts.sequence + 1 + len(events), arrived_ms=now_ms)
