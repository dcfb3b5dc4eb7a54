"""Windows of four weeks, counted back from the end, with the items of each user and their repeat purchases."""

from __future__ import annotations

import dataclasses

import numpy as np

from alsolike.declarations.times import DAY_MS
from model_export.algorithms.building_blocks.demand import PRIOR, pairs
from model_export.data.interactions import Floats, Interactions, Ints, distinct

WINDOW_MS = 28 * DAY_MS


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """Items of each user per window of four weeks, counted back from the end.

    Attributes
    ----------
    end_ms
        Time of the latest interaction.
    window
        int64 `(interactions,)`, window of each interaction: 0 for the latest four weeks.
    complete
        Number of complete windows.
    pair, pair_index
        int64 `(n,)`, distinct pairs of user and item per window, in ascending order, and the window of each pair. A
        pair's latest window is first.
    columns
        Number of items plus one.
    """

    end_ms: int
    window: Ints
    complete: int
    pair: Ints
    pair_index: Ints
    columns: int

    @classmethod
    def of(cls, interactions: Interactions) -> Windows:
        time_ms = interactions.time_ms
        end_ms = int(time_ms.max(initial=0))
        window = (end_ms - time_ms) // WINDOW_MS
        maximum = int(window.max(initial=0)) + 1
        pair, pair_index = np.divmod(distinct(pairs(interactions) * maximum + window), maximum)
        return cls(end_ms, window, maximum - 1, pair, pair_index, interactions.items + 1)

    def stick(self, cut: int) -> Floats:
        """Return the repeat factor per item, `(items + 1,)`, from window `cut` and earlier windows.

        The repeat rate of an item is the share of its pairs of user and window after which the user interacted with the
        item again in the next window. The factor is the rate relative to the mean rate of all items, smoothed by
        `PRIOR` additional pairs with the mean rate. If there are no repeat purchases, all factors are 1.
        """
        known = self.pair_index > cut
        again = known & (np.diff(self.pair_index, prepend=0) == 1) & (np.diff(self.pair, prepend=-1) == 0)
        had, had_again = (
            np.bincount(self.pair[which] % self.columns, minlength=self.columns) for which in (known, again)
        )
        if not again.any():
            return np.ones(self.columns, np.float32)
        mean = had_again.sum() / had.sum()
        shares: Floats = ((had_again / mean + PRIOR) / (had + PRIOR)).astype(np.float32)
        return shares

    def had(self, window: int) -> Ints:
        """Return the distinct pairs of user and item with an interaction in the window."""
        pair: Ints = self.pair[self.pair_index == window]
        return pair
