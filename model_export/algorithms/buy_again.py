"""Buy again: the user's own counts, with higher weights for recent interactions and for frequent repeat purchases.

Score of an item = its summed weight in the history * again ** again_power * demand ** demand_power. `again` is the
share of users with a repeat purchase: of the users with the item before the last `again_days`, the share with the item
within these days. It ranks milk above light bulbs. `demand` is the number of repeat purchases within the last
`demand_days`, relative to an expected number. The expected number assumes that each user chooses among their own items
by past weight. `demand` ranks items on offer or in season above others.

    demand = (observed + PRIOR) / (expected + PRIOR), expected = sum over users of bought_u * own_ui / sum_j own_uj

with own_ui the decayed weight of item i in the history of user u, and bought_u the number of items that user u had
again. `PRIOR` additional users have the mean of `again`, so that rare items stay near this mean and near a demand of 1.

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

from model_export.algorithms.building_blocks.demand import BATCH_INTERACTIONS, PRIOR, demand, latest_of_past, pairs
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
        Maximum time to a repeat purchase in days, limited to half of the time span of the data.
    again_power
        Exponent of `again`; 0 for no effect.
    demand_days
        Length of the demand window in days, limited to half of the time span of the data.
    demand_power
        Exponent of `demand`; 0 for no effect.
    """

    name: ClassVar[str] = "buy_again"
    half_life_days: float = 120.0
    again_days: float = 28.0
    again_power: float = 0.5
    demand_days: float = 7.0
    demand_power: float = 0.4

    def param_grid(self) -> Sequence[Self]:
        """Return half-lives of a season and a month, and no decay, each with two weights of repeat purchases.

        The season is also tried without demand, which may not last. The last settings use counts only.
        """
        powers = (self.again_power, self.again_power / 2)
        tried = itertools.product(powers, (120.0, 30.0, math.inf))
        return (
            *(dataclasses.replace(self, again_power=power, half_life_days=days) for power, days in tried),
            *(dataclasses.replace(self, again_power=power, demand_power=0.0) for power in powers),
            dataclasses.replace(self, again_power=0.0, demand_power=0.0),
        )

    def fit(self, interactions: Interactions) -> BuyAgainModel:
        """Return the model with a factor per item."""
        again = _again(interactions, days=self.again_days) ** self.again_power
        factor = again * demand(interactions, days=self.demand_days) ** self.demand_power
        return BuyAgainModel(settings=self, items=interactions.items, factor=factor.astype(np.float32))


def _again(interactions: Interactions, *, days: float) -> Floats:
    """Return the share of users with a repeat purchase per item, `(items + 1,)`.

    1 for all items if there is no repeat purchase.
    """
    columns = interactions.items + 1
    had, again = np.zeros(columns, np.int64), np.zeros(columns, np.int64)
    past_ms = latest_of_past(interactions, days=days) if len(interactions) else 0
    for part in interactions.by_users(maximum=BATCH_INTERACTIONS):
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
    """Model with `factor`, float32 `(items + 1,)`, the weight of an interaction per item."""

    factor: Floats

    def score(self, histories: Histories) -> Floats:
        """Return the summed weight in the history times the factor, per item."""
        own = histories.matrix(columns=self.items + 1, position_decay=self.settings.position_decay)
        own.data *= self.factor[own.indices]
        scores: Floats = own.toarray()
        return scores

    def single_item_scores(self, *, maximum: int) -> sp.csr_array:
        """Return a diagonal table of the factors."""
        return diagonal(self.factor)

    def export(self, graph: Graph) -> str:
        """Add the sum of weight times factor per item to the graph."""
        factors = graph.op("Gather", graph.weight("buy_again.factor", self.factor), graph.history, axis=0)
        weights = graph.decayed_weights(self.settings.position_decay)
        return graph.add_by_item(graph.history, graph.op("Mul", weights, factors))
