"""The time and memory that a comparison may take, and whether an algorithm fits in.

What a fit will take is told from a short fit on some of the users: time and memory are taken to grow with the
interactions, which is more than they do where items stay the same.
"""

from __future__ import annotations

import dataclasses
import math
import os
import time

from model_export.algorithm import Algorithm
from model_export.interactions import Interactions
from model_export.resources import measured, resident_mb

TRIAL_ROWS = 50_000
"""Interactions of the short fit; data of up to four times as many is fitted without one."""

FITS = 3
"""Of an algorithm in a comparison: on the validation's past, on the test's, and on everything."""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """What may be used.

    Attributes
    ----------
    seconds
        From `started` on.
    megabytes
        Resident memory of the process, in 10^6 bytes.
    """

    seconds: float = math.inf
    megabytes: float = math.inf
    started: float = dataclasses.field(default_factory=time.monotonic)

    def refusal(self, algorithm: Algorithm, interactions: Interactions) -> str | None:
        """Return why the algorithm is not to be fitted on the interactions, or None."""
        if len(interactions) <= 4 * TRIAL_ROWS or (math.isinf(self.seconds) and math.isinf(self.megabytes)):
            return None
        left = self.seconds - (time.monotonic() - self.started)
        if left <= 0:
            return f"the {self.seconds:,.0f} s of the budget are used up"
        some = _of_some_users(interactions)
        settings, longer = algorithm.trial()
        before = resident_mb()
        with measured() as cost:
            settings.fit(some)
        scale = len(interactions) / max(1, len(some))
        seconds = FITS * cost.seconds * longer * scale
        if seconds > left:
            return f"its {FITS} fits would take about {seconds:,.0f} s, {left:,.0f} s of the budget are left"
        megabytes = before + max(0.0, cost.peak_mb - before) * scale
        if megabytes > self.megabytes:
            return f"a fit would take about {megabytes:,.0f} MB, the budget is {self.megabytes:,.0f} MB"
        return None


def machine_megabytes() -> float:
    """Return four fifths of the machine's memory, in 10^6 bytes."""
    return 0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def _of_some_users(interactions: Interactions) -> Interactions:
    """Return about `TRIAL_ROWS` interactions of users that are evenly spaced."""
    step = max(1, len(interactions) // TRIAL_ROWS)
    return interactions.select(interactions.user % step == 0)
