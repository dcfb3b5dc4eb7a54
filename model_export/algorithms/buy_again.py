"""Buy again: the user's own counts, recent interactions counting more."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Self

from model_export.algorithm import Algorithm, Model
from model_export.interactions import Floats, Histories, Interactions
from model_export.onnx_graph import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuyAgain(Algorithm):
    """Settings; the half-life of the history is the only one."""

    name: ClassVar[str] = "buy_again"
    half_life_days: float = 120.0

    def alternatives(self) -> Sequence[Self]:
        """Return a season, a month, and no decay."""
        return tuple(dataclasses.replace(self, half_life_days=days) for days in (120.0, 30.0, math.inf))

    def fit(self, interactions: Interactions) -> BuyAgainModel:
        """Learn nothing: everything is in the history."""
        return BuyAgainModel(settings=self, items=interactions.items)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuyAgainModel(Model):
    """Nothing is learned."""

    def score(self, histories: Histories) -> Floats:
        """Return each item's summed weight in the history."""
        counts: Floats = histories.matrix(columns=self.items + 1, position_decay=self.settings.position_decay).toarray()
        return counts

    def export(self, graph: Graph) -> str:
        """Add the history's weights up by item."""
        return graph.add_by_item(graph.history, graph.decayed_weights(self.settings.position_decay))
