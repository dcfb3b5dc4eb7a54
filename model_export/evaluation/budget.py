"""The time and memory that a comparison may take, and whether an algorithm fits in.

The estimate for a fit comes from two short fits on some of the users. Their difference is assumed to grow with the
interactions. The rest is assumed to depend on the items, which are all there in a short fit too.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time

from model_export.api import Algorithm
from model_export.data.interactions import Interactions
from model_export.processes import checkpoints
from model_export.processes.resources import measured

SMALL_INTERACTIONS, SMALL_ITEMS = 5_000_000, 100_000
"""Up to these, an ample budget needs no short fits, unless the algorithm says that its fits are long."""

AMPLE_S, AMPLE_MB = 600.0, 4_000.0
"""Least remaining budget that counts as ample: on small data, `FITS` of an algorithm take half of either at most."""

TRIAL_ROWS = 50_000
"""Interactions of the longer short fit, which has `TRIAL_SHARE` of large data; up to four times as many have none,
unless the algorithm says that its fits are long."""

TRIAL_SHARE = 0.01
SHORTER = 10
"""The longer short fit has so many times the interactions of the other."""

FITS = 6
"""Fits of an algorithm: on the validation's past, the test's past, the champion's data, and everything. Two more
check the new data: on the champion's data with half of the newer interactions, and on the time before for comparison.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a comparison.

    Attributes
    ----------
    seconds
        Time from `started` on.
    megabytes
        Resident memory of the process, in 10^6 bytes.
    """

    seconds: float = math.inf
    megabytes: float = math.inf
    started: float = dataclasses.field(default_factory=time.monotonic)
    _said: dict[tuple[Algorithm, int], tuple[Interactions, str | None]] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )

    def unsupported_reason(self, algorithm: Algorithm, interactions: Interactions) -> str | None:
        """Return why the algorithm is not to be fitted on the interactions, or None; what is counted is not tried.

        Asked again of the same, it says the same: what was fitted by then costs no second fit.
        """
        asked = algorithm, id(interactions)
        if asked not in self._said:
            self._said[asked] = interactions, self._refusal(algorithm, interactions)  # alive, it keeps its id
        return self._said[asked][1]

    def _refusal(self, algorithm: Algorithm, interactions: Interactions) -> str | None:
        if interactions.counts is not None or (math.isinf(self.seconds) and math.isinf(self.megabytes)):
            return None
        settings, longer = algorithm.cost_probe()
        left = self.seconds - (time.monotonic() - self.started)
        if longer <= 1 and (len(interactions) <= 4 * TRIAL_ROWS or self.is_ample(interactions)):
            return None
        if left <= 0:
            return f"the {self.seconds:,.0f} s of the budget are used up"
        rows = max(TRIAL_ROWS, int(TRIAL_SHARE * len(interactions)))
        few, more = (_of_some_users(interactions, rows=each) for each in (rows // SHORTER, rows))
        with checkpoints.kept_in(None):  # a trial that resumed from a checkpoint would take no time
            with measured() as of_few:
                settings.fit(few)
            with measured() as of_more:
                settings.fit(more)
        rest = (len(interactions) - len(more)) / max(1, len(more) - len(few))
        seconds = FITS * longer * (of_more.seconds + rest * max(0.0, of_more.seconds - of_few.seconds))
        if seconds > left:
            return f"its {FITS} fits would take about {seconds:,.0f} s, {left:,.0f} s of the budget are left"
        megabytes = of_more.peak_mb + rest * max(0.0, of_more.peak_mb - of_few.peak_mb)
        if megabytes > self.megabytes:
            return f"a fit would take about {megabytes:,.0f} MB, the budget is {self.megabytes:,.0f} MB"
        return None

    def is_ample(self, interactions: Interactions) -> bool:
        """Return whether fits on these interactions surely go in, of algorithms that do not say theirs are long."""
        is_small = len(interactions) <= SMALL_INTERACTIONS and interactions.items <= SMALL_ITEMS
        left_s = self.seconds - (time.monotonic() - self.started)
        return is_small and left_s >= AMPLE_S and self.megabytes >= AMPLE_MB


def machine_megabytes() -> float:
    """Return four fifths of the machine's memory, in 10^6 bytes."""
    return 0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def _of_some_users(interactions: Interactions, *, rows: int) -> Interactions:
    """Return about `rows` interactions of users that are evenly spaced."""
    step = max(1, len(interactions) // rows)
    return interactions.select(interactions.user % step == 0)
