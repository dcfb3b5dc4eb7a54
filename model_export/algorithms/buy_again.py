"""Buy again: the user's own counts, with higher weights for recent interactions and for frequent repeat purchases.

Score of an item = its summed weight in the history * again ** again_power * demand ** demand_power. `again` is the
share of the users who had the item before the last `again_days` and had it again within them: milk above light bulbs.
`demand` is the number of repeat purchases within the last `demand_days`, relative to an expected number, for which each
user chooses among their own items by past weight. It ranks items on offer or in season above others.

    demand = (observed + PRIOR) / (expected + PRIOR), expected = sum over users of bought_u * own_ui / sum_j own_uj

with own_ui the item's decayed weight in the user's past and bought_u how many of these items the user had again. The
mean of `again` over all items stands for `PRIOR` users more, so that rare items stay near it, and near a demand of 1.

References
----------
R. Bhagat, S. Muralidharan, A. Lobzhanidze, S. Vishwanath, "Buy it again: modeling repeat purchase recommendations",
KDD 2018 (the repeat customer probability of an item). Its intervals between purchases, by item or by user and item,
ranked worse than only the half-life (a year of groceries, a gift wholesaler).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from model_export.algorithms.building_blocks.demand import AT_ONCE, PRIOR, demand, latest_of_past, pairs
from model_export.algorithms.building_blocks.item_to_item import diagonal
from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories, Interactions, distinct
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuyAgain(Algorithm):
    """Settings.

    Attributes
    ----------
    again_days
        How soon again counts as again; half of the data's time where that is shorter.
    again_power
        How much it matters; 0 for not at all.
    demand_days
        Until how long ago demand is looked at; half of the data's time where that is shorter.
    demand_power
        How much it matters; 0 for not at all.
    """

    name: ClassVar[str] = "buy_again"
    half_life_days: float = 120.0
    again_days: float = 28.0
    again_power: float = 0.5
    demand_days: float = 7.0
    demand_power: float = 0.4

    def param_grid(self) -> Sequence[Self]:
        """Return a season, a month, and no decay, each with more and with less weight on repeat purchases.

        The demand of a week may not last, so that the season is tried without it, too; the last settings only count.
        """
        powers = (self.again_power, self.again_power / 2)
        tried = itertools.product(powers, (120.0, 30.0, math.inf))
        return (
            *(dataclasses.replace(self, again_power=power, half_life_days=days) for power, days in tried),
            *(dataclasses.replace(self, again_power=power, demand_power=0.0) for power in powers),
            dataclasses.replace(self, again_power=0.0, demand_power=0.0),
        )

    def fit(self, interactions: Interactions) -> BuyAgainModel:
        """Learn which items users soon buy again."""
        again = _again(interactions, days=self.again_days) ** self.again_power
        factor = again * demand(interactions, days=self.demand_days) ** self.demand_power
        return BuyAgainModel(settings=self, items=interactions.items, factor=factor.astype(np.float32))


def _again(interactions: Interactions, *, days: float) -> Floats:
    """Return each item's share of users with a repeat purchase, `(items + 1,)`; 1 for all without any."""
    columns = interactions.items + 1
    had, again = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    past_ms = latest_of_past(interactions, days=days) if len(interactions) else 0
    for part in interactions.by_users(most=AT_ONCE):
        late, key = part.time_ms > past_ms, pairs(part)
        before, within = distinct(key[~late]), distinct(key[late])
        had += np.bincount(before % columns, minlength=columns)
        again += np.bincount(np.intersect1d(before, within, assume_unique=True) % columns, minlength=columns)
    if not again.any():
        return np.ones(columns, np.float32)
    mean = again.sum() / had.sum()
    shares: Floats = ((again + PRIOR * mean) / (had + PRIOR)).astype(np.float32)
    return shares


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuyAgainModel(Model):
    """`factor`: float32 `(items + 1,)`, what an interaction with an item counts."""

    factor: Floats

    def score(self, histories: Histories) -> Floats:
        """Return each item's summed weight in the history, times its factor."""
        own = histories.matrix(columns=self.items + 1, position_decay=self.settings.position_decay)
        own.data *= self.factor[own.indices]
        scores: Floats = own.toarray()
        return scores

    def single_item_scores(self, *, most: int) -> sp.csr_array:
        """Return each item's factor for itself."""
        return diagonal(self.factor)

    def export(self, graph: Graph) -> str:
        """Add the history's weights, times the factors, up by item."""
        factors = graph.op("Gather", graph.weight("buy_again.factor", self.factor), graph.history, axis=0)
        weights = graph.decayed_weights(self.settings.position_decay)
        return graph.add_by_item(graph.history, graph.op("Mul", weights, factors))
