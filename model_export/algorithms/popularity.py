"""Popularity: the same items for all users, with higher weights for recent interactions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from model_export.algorithms.building_blocks.item_to_item import best_of_row
from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.data.statistics import Statistics
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Popularity(Algorithm):
    """Settings of the algorithm `popularity`.

    Attributes
    ----------
    trend_half_life_days
        Half-life of an interaction's weight in days, counted back from the latest interaction of all users.
    """

    name: ClassVar[str] = "popularity"
    trend_half_life_days: float = 30.0

    def param_grid(self) -> Sequence[Self]:
        return tuple(dataclasses.replace(self, trend_half_life_days=days) for days in (30.0, 7.0, 90.0, math.inf))

    def fit(self, interactions: Interactions) -> PopularityModel:
        age_days = (interactions.time_ms.max() - interactions.time_ms) / DAY_MS
        weights = interactions.weight * np.exp2(-age_days / self.trend_half_life_days)
        totals = np.bincount(interactions.item, weights=weights, minlength=interactions.items + 1)
        return PopularityModel(
            settings=self, items=interactions.items, share=(totals / totals.max()).astype(np.float32)
        )

    def fit_from_statistics(self, statistics: Statistics) -> PopularityModel:
        totals = statistics.weights.get(self.trend_half_life_days)
        if totals is None:
            counted = ", ".join(f"{days:g}" for days in statistics.weights)
            raise InvalidInput(
                f"{self.name} has trend_half_life_days {self.trend_half_life_days:g}, the statistics have {counted}"
            )
        return PopularityModel(settings=self, items=statistics.items, share=(totals / totals.max()).astype(np.float32))


@dataclasses.dataclass(frozen=True, kw_only=True)
class PopularityModel(Model):
    """Model with `share`, float32 `(items + 1,)`: the popularity relative to the most popular item."""

    share: Floats

    def score(self, histories: Histories) -> Floats:
        return np.tile(self.share, (len(histories), 1))

    def single_item_scores(self, *, maximum: int) -> sp.csr_array:
        target, value = best_of_row(sp.csr_array(self.share[None]), 0, n=maximum)
        starts = np.maximum(np.arange(self.items + 2) - 1, 0) * len(target)  # the row of item 0 is empty
        values = np.tile(value, self.items), np.tile(target, self.items), starts
        return sp.csr_array(values, shape=(self.items + 1,) * 2)

    def export(self, graph: Graph) -> str:
        return graph.for_batch(graph.item_weight("popularity.share", self.share))
