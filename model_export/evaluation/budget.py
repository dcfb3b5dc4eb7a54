"""The processor time and memory that a comparison may take, and whether an algorithm fits in.

Neither the clock nor the load of the machine counts, so a busy machine compares the same algorithms as an idle one. An
algorithm estimates its cost from counts (`Algorithm.fit_cost`), or two short fits on some of the users estimate it.
Their difference is assumed to grow with the interactions. The rest is assumed to depend on the items, which are all
there in a short fit too.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time

from model_export.api import Algorithm, FitCost
from model_export.data.interactions import Interactions
from model_export.processes import checkpoints
from model_export.processes.resources import measured

SMALL_INTERACTIONS, SMALL_ITEMS = 5_000_000, 100_000
"""Up to these, an ample budget needs no short fits."""

AMPLE_S, AMPLE_MB = 600.0, 4_000.0
"""Least remaining budget that counts as ample: on small data, `FITS` of an algorithm take half of either at most."""

SHORT_FIT_ROWS = 50_000
"""Interactions of the longer short fit, or `SHORT_FIT_SHARE` of large data; up to four times as many need none."""

SHORT_FIT_SHARE = 0.01
SHORTER = 10
"""The longer short fit has so many times the interactions of the other."""

BUDGET_S = 7_200.0
"""Default budget: half of the default run time of a job, because most fits use one processor."""

QUICK_S = 60.0
"""Processor seconds of all fits of an algorithm that a first training compares, if the algorithm estimates its cost."""

FITS = 5
"""Fits of an algorithm: on the validation's past, the test's past, the champion's data, that with half of the newer
interactions, and everything. Where the earlier fits know too little to check the new data, there is one more.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a comparison.

    Attributes
    ----------
    seconds
        Processor time of all fits, as estimated.
    megabytes
        Resident memory of the process, in 10^6 bytes.
    quick
        True to leave out algorithms that estimate more than `QUICK_S`: in a first training, the shop waits for a model.
    """

    seconds: float = math.inf
    megabytes: float = math.inf
    quick: bool = False
    _decided: dict[tuple[Algorithm, int], tuple[Interactions, float, str | None]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    def unsupported_reason(self, algorithm: Algorithm, interactions: Interactions) -> str | None:
        """Return why the algorithm is not to be fitted on the interactions, or None.

        An accepted algorithm takes its estimate from the budget. Repeated calls return the same and take nothing.
        """
        asked = algorithm, id(interactions)
        if asked not in self._decided:
            seconds, reason = self._decide(algorithm, interactions)
            self._decided[asked] = interactions, 0.0 if reason else seconds, reason  # alive, the data keeps its id
        return self._decided[asked][2]

    def is_ample(self, interactions: Interactions) -> bool:
        """Return whether fits on these interactions surely go in, of algorithms that do not estimate their cost."""
        is_small = len(interactions) <= SMALL_INTERACTIONS and interactions.items <= SMALL_ITEMS
        return is_small and self._left() >= AMPLE_S and self.megabytes >= AMPLE_MB

    def _left(self) -> float:
        return self.seconds - sum(seconds for _, seconds, _ in self._decided.values())

    def _decide(self, algorithm: Algorithm, interactions: Interactions) -> tuple[float, str | None]:
        """Return the estimated seconds of all fits, and why they are too many; what is counted is not estimated."""
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
    """Return four fifths of the machine's memory, in 10^6 bytes."""
    return 0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def _cost_by_short_fits(algorithm: Algorithm, interactions: Interactions) -> FitCost:
    rows = max(SHORT_FIT_ROWS, int(SHORT_FIT_SHARE * len(interactions)))
    few, more = (_of_some_users(interactions, rows=each) for each in (rows // SHORTER, rows))
    of_few, of_more = _measured_fit(algorithm, few), _measured_fit(algorithm, more)
    rest = (len(interactions) - len(more)) / max(1, len(more) - len(few))
    return FitCost(
        seconds=of_more.seconds + rest * max(0.0, of_more.seconds - of_few.seconds),
        megabytes=of_more.megabytes + rest * max(0.0, of_more.megabytes - of_few.megabytes),
    )


def _measured_fit(algorithm: Algorithm, interactions: Interactions) -> FitCost:
    """Fit, and return the cost; a fit that resumed from a checkpoint would cost nothing."""
    started = time.process_time()
    with checkpoints.kept_in(None), measured() as cost:
        algorithm.fit(interactions)
    return FitCost(seconds=time.process_time() - started, megabytes=cost.peak_mb)


def _of_some_users(interactions: Interactions, *, rows: int) -> Interactions:
    """Return about `rows` interactions of users that are evenly spaced."""
    step = max(1, len(interactions) // rows)
    return interactions.select(interactions.user % step == 0)
