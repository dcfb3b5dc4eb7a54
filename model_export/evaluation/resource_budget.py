"""Budget of processor time and memory of a comparison, and the decision whether an algorithm fits into it.

The budget ignores wall-clock time, so that a busy machine compares the same algorithms. An algorithm estimates its cost
from the sizes of the data (`Algorithm.fit_cost`), or two short fits on samples of users measure it. The difference
between their costs is extrapolated linearly in the number of interactions. The remaining cost depends on the number of
items, which is the same in both short fits.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time

from alsolike.declarations.training import FITS
from model_export.api import Algorithm, FitCost
from model_export.data.interactions import Interactions
from model_export.processes import checkpoints
from model_export.processes.resources import measured

SMALL_INTERACTIONS, SMALL_ITEMS = 5_000_000, 100_000
"""Maximum number of interactions and of items for which an ample budget makes short fits unnecessary."""

AMPLE_S, AMPLE_MB = 600.0, 4_000.0
"""Minimum remaining seconds, and minimum megabytes, of an ample budget. The `FITS` fits of an algorithm on small data
take at most half of it.
"""

SHORT_FIT_ROWS = 50_000
"""Minimum number of interactions of the longer short fit. It also has at least the share `SHORT_FIT_SHARE` of the data.
Data with up to four times `SHORT_FIT_ROWS` interactions needs no short fits.
"""

SHORT_FIT_SHARE = 0.01
SHORTER = 10
"""Number of interactions of the longer short fit, divided by the number of the shorter one."""

BUDGET_S = 7_200.0
"""Default budget in processor seconds."""

QUICK_S = 60.0
"""Maximum estimated processor seconds of an algorithm's fits in the first training."""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a comparison.

    Attributes
    ----------
    seconds
        Maximum estimated processor time of all fits.
    megabytes
        Maximum estimated resident memory of a fit, in 10^6 bytes.
    quick
        True to exclude algorithms whose own estimate (`fit_cost`) of `FITS` fits is above `QUICK_S`.
    """

    seconds: float = math.inf
    megabytes: float = math.inf
    quick: bool = False
    _decided: dict[tuple[Algorithm, int], tuple[Interactions, float, str | None]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    def unsupported_reason(self, algorithm: Algorithm, interactions: Interactions) -> str | None:
        """Return the reason to exclude the algorithm for these interactions, or None if it fits into the budget.

        The cost of an accepted algorithm is subtracted from the budget. Further calls return the cached decision.
        """
        key = algorithm, id(interactions)
        if key not in self._decided:
            seconds, reason = self._decide(algorithm, interactions)
            self._decided[key] = (
                interactions,  # a reference, so that no other object gets the id() of the data
                0.0 if reason else seconds,
                reason,
            )
        return self._decided[key][2]

    def is_ample(self, interactions: Interactions) -> bool:
        """Return whether short fits can be omitted, because the data is small and the budget is ample."""
        is_small = len(interactions) <= SMALL_INTERACTIONS and interactions.items <= SMALL_ITEMS
        return is_small and self._left() >= AMPLE_S and self.megabytes >= AMPLE_MB

    def _left(self) -> float:
        return self.seconds - sum(seconds for _, seconds, _ in self._decided.values())

    def _decide(self, algorithm: Algorithm, interactions: Interactions) -> tuple[float, str | None]:
        """Return the estimated seconds of all fits, and the reason to exclude the algorithm, or None if it fits.

        If the algorithm fits, the seconds are 0 without an estimate: for fits from counts, an unlimited budget, or
        small data. Algorithms with `fit_cost` are also estimated for small data.
        """
        if interactions.counts is not None or (math.isinf(self.seconds) and math.isinf(self.megabytes)):
            return 0.0, None
        cost = algorithm.fit_cost(interactions)
        if cost is None and (len(interactions) <= 4 * SHORT_FIT_ROWS or self.is_ample(interactions)):
            return 0.0, None
        if self.quick and cost is not None and FITS * cost.seconds > QUICK_S:
            return 0.0, (
                f"its {FITS} fits would take about {FITS * cost.seconds:,.0f} processor seconds, a first training "
                f"compares algorithms of at most {QUICK_S:,.0f}; later trainings compare it"
            )
        if (left := self._left()) <= 0:
            return 0.0, f"the budget of {self.seconds:,.0f} processor seconds is used up"
        cost = cost or _cost_by_short_fits(algorithm, interactions)
        seconds = FITS * cost.seconds
        if seconds > left:
            return seconds, (
                f"its {FITS} fits would take about {seconds:,.0f} processor seconds, {left:,.0f} of the budget are left"
            )
        if cost.megabytes > self.megabytes:
            return seconds, f"a fit would take about {cost.megabytes:,.0f} MB, the budget is {self.megabytes:,.0f} MB"
        return seconds, None


def machine_megabytes() -> float:
    """Return 80% of the machine's memory, in 10^6 bytes."""
    return 0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def _cost_by_short_fits(algorithm: Algorithm, interactions: Interactions) -> FitCost:
    rows = max(SHORT_FIT_ROWS, int(SHORT_FIT_SHARE * len(interactions)))
    few, more = (_user_sample(interactions, rows=each) for each in (rows // SHORTER, rows))
    few_cost, more_cost = _measured_fit(algorithm, few), _measured_fit(algorithm, more)
    rest = (len(interactions) - len(more)) / max(1, len(more) - len(few))
    return FitCost(
        seconds=more_cost.seconds + rest * max(0.0, more_cost.seconds - few_cost.seconds),
        megabytes=more_cost.megabytes + rest * max(0.0, more_cost.megabytes - few_cost.megabytes),
    )


def _measured_fit(algorithm: Algorithm, interactions: Interactions) -> FitCost:
    """Ignore checkpoints, because a resumed fit would cost too little."""
    started = time.process_time()
    with checkpoints.kept_in(None), measured() as cost:
        algorithm.fit(interactions)
    return FitCost(seconds=time.process_time() - started, megabytes=cost.peak_mb)


def _user_sample(interactions: Interactions, *, rows: int) -> Interactions:
    """Return about `rows` interactions from evenly spaced users."""
    step = max(1, len(interactions) // rows)
    return interactions.select(interactions.user % step == 0)
