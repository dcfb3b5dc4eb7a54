"""Buy again: the user's own counts, with higher weights for recent interactions and for frequent repeat purchases.

Score of an item = its summed weight in the history * again ** again_power * demand ** demand_power. `again` is the
share of users who bought the item again within the last `again_days`, among users who had it before. It ranks milk
above light bulbs. `demand` is the number of repeat purchases within the last `demand_days`, relative to an expected
number. The expected number assumes that users choose among their own items by past weight. `demand` ranks items on
offer or in season above others.

    demand = (observed + PRIOR) / (expected + PRIOR), expected = sum over users of bought_u * own_ui / sum_j own_uj

where own_ui is the decayed weight of item i in the history of user u, and bought_u is the number of items that user u
bought again. `again` is smoothed with `PRIOR` additional users at the mean of all items. Because of `PRIOR`, rare items
stay close to the mean of `again` and to a demand of 1.

References
----------
R. Bhagat, S. Muralidharan, A. Lobzhanidze, S. Vishwanath, "Buy it again: modeling repeat purchase recommendations",
KDD 2018 (the repeat customer probability of an item). The paper's intervals between purchases, by item or by user and
item, ranked worse than the half-life on its own (a year of groceries, a gift wholesaler).
"""

from __future__ import annotations

import dataclasses
import functools
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
    """Settings of the algorithm `buy_again`.

    Attributes
    ----------
    again_days
        Length of the window of repeat purchases in days. It is shorter if it would contain more than half of the
        interactions.
    again_power
        Exponent of `again`. With 0 it has no effect.
    demand_days
        Length of the demand window in days. It is shorter if it would contain more than half of the interactions.
    demand_power
        Exponent of `demand`. With 0 it has no effect.
    """

    name: ClassVar[str] = "buy_again"
    inference_parameters: ClassVar[frozenset[str]] = Algorithm.inference_parameters | {"again_power", "demand_power"}
    half_life_days: float = 120.0
    again_days: float = 28.0
    again_power: float = 0.5
    demand_days: float = 7.0
    demand_power: float = 0.4

    def param_grid(self) -> Sequence[Self]:
        """Return half-lives of a season and a month, and no decay, each with two exponents of repeat purchases.

        The default half-life is also combined with settings without demand, because demand may not last. The last
        settings use decayed counts only.
        """
        powers = (self.again_power, self.again_power / 2)
        tried = itertools.product(powers, (120.0, 30.0, math.inf))
        return (
            *(dataclasses.replace(self, again_power=power, half_life_days=days) for power, days in tried),
            *(dataclasses.replace(self, again_power=power, demand_power=0.0) for power in powers),
            dataclasses.replace(self, again_power=0.0, demand_power=0.0),
        )

    def fit(self, interactions: Interactions) -> BuyAgainModel:
        return BuyAgainModel(
            settings=self,
            items=interactions.items,
            again=_again(interactions, days=self.again_days),
            demand=demand(interactions, days=self.demand_days),
        )


def _again(interactions: Interactions, *, days: float) -> Floats:
    """Return the smoothed share of users with a repeat purchase per item, `(items + 1,)`.

    All shares are 1 if there are no repeat purchases.
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
    """Model with `again` and `demand` of each item, float32 `(items + 1,)`."""

    settings: BuyAgain
    again: Floats
    demand: Floats

    @functools.cached_property
    def factor(self) -> Floats:
        """Factor of the weights of an item's interactions, float32 `(items + 1,)`."""
        factor = self.again**self.settings.again_power * self.demand**self.settings.demand_power
        return factor.astype(np.float32)

    def score(self, histories: Histories) -> Floats:
        own = histories.matrix(columns=self.items + 1, position_decay=self.settings.position_decay)
        own.data *= self.factor[own.indices]
        scores: Floats = own.toarray()
        return scores

    def single_item_scores(self, *, maximum: int) -> sp.csr_array:
        return diagonal(self.factor)

    def export(self, graph: Graph) -> str:
        factors = graph.op("Gather", graph.weight("buy_again.factor", self.factor), graph.history, axis=0)
        weights = graph.decayed_weights(self.settings.position_decay)
        return graph.add_by_item(graph.history, graph.op("Mul", weights, factors))
