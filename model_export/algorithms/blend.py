"""Blend: a weighted sum of the scores of other algorithms, after each algorithm's scores are divided by their sum.

If users repeat purchases, the counts in their own histories rank best, but give no score to other items. A blend also
ranks items that are not in the history. The division makes scores of different algorithms comparable for any length of
the history. The search for the weights uses the validation set. It starts from the best single model and makes the best
change of one weight at a time. The result does not depend on the order of the models.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from model_export.api import Algorithm, Combination, Judge, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.graph.contract import Graph

STEPS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Weights tried for each model except the best single model, which has the weight 1."""

MAX_STEPS = 20
"""Maximum number of steps of the search. It stops earlier if no change improves the NDCG."""

WORTH = 0.002
"""Maximum share of the NDCG that may be lost when components are removed. Each component slows every response."""

MAX_ITEMS = 500_000
"""Maximum number of items. The search and each response score all items with every component."""

HALF_LIFE_OF = ("buy_again", "repurchase")
"""Algorithms that depend most on the half-life. A blend has a single half-life: that of the better of these algorithms,
or its own setting if neither is compared.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blend(Combination):
    """Settings of the algorithm `blend`.

    Attributes
    ----------
    parts
        Pairs of the combined algorithms' settings and weights above 0, in alphabetical order.
    """

    name: ClassVar[str] = "blend"
    parts: tuple[tuple[Algorithm, float], ...] = ()

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        if interactions.items <= MAX_ITEMS:
            return None
        return (
            f"its limit is {MAX_ITEMS:,} items, and there are {interactions.items:,}; the best single algorithm takes "
            "its place"
        )

    def search(self, tuned: Mapping[str, Model], judge: Judge) -> Blend:
        """Search for the weights with the best validation NDCG. Return the settings with these weights and one
        half-life.
        """
        half_life_days = self._half_life_days(tuned, judge)
        tuned = {name: _with_half_life(tuned[name], half_life_days) for name in sorted(tuned)}
        key = half_life_days, *(model.settings for model in tuned.values())
        scorers = {name: functools.partial(_shares, model) for name, model in tuned.items()}
        weights = best_weights(list(tuned), judge.ndcg_by_weights(key, half_life_days, scorers))
        parts = tuple((tuned[name].settings, weights[name]) for name in sorted(weights))
        return dataclasses.replace(self, half_life_days=half_life_days, parts=parts)

    def _half_life_days(self, tuned: Mapping[str, Model], judge: Judge) -> float:
        own = [tuned[name] for name in HALF_LIFE_OF if name in tuned]
        if not own:
            return self.half_life_days
        return max(own, key=lambda model: ndcg_of(model, judge)).settings.half_life_days

    def components(self) -> Sequence[Algorithm]:
        return tuple(settings for settings, _ in self.parts)

    def describe(self) -> str:
        return " + ".join(f"{weight:g} {settings.name}" for settings, weight in self.parts) or "no parts"

    def combine(self, models: Sequence[Model]) -> BlendModel:
        """Return the combined model. The half-life of the blend replaces the half-lives of the models."""
        if not models:
            raise ValueError("a blend has no parts, expected at least one; search for its weights before fitting")
        weights = tuple(weight for _, weight in self.parts)
        return BlendModel(settings=self, items=models[0].items, models=tuple(models), weights=weights)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlendModel(Model):
    """Model with `models` and their `weights`, in the same order."""

    models: tuple[Model, ...]
    weights: tuple[float, ...]

    def score(self, histories: Histories) -> Floats:
        total = np.zeros((len(histories), self.items + 1), np.float32)
        for model, weight in zip(self.models, self.weights, strict=True):
            shares = _shares(model, histories)
            shares *= np.float32(weight)
            total += shares
        return total

    def export(self, graph: Graph) -> str:
        terms = []
        for model, weight in zip(self.models, self.weights, strict=True):
            scores = model.export(graph)
            total = graph.op("ReduceSum", scores, graph.integers(1), keepdims=1)
            is_positive = graph.op("Greater", total, graph.number(0.0))
            divisor = graph.op("Where", is_positive, total, graph.number(1.0))
            terms.append(graph.op("Mul", scores, graph.op("Div", graph.number(weight), divisor)))
        return graph.op("Sum", *terms)


def _with_half_life(model: Model, half_life_days: float) -> Model:
    """Return the model with another half-life, or unchanged if the half-life is not among its inference parameters."""
    if "half_life_days" not in model.settings.inference_parameters:
        return model
    return model.with_settings(dataclasses.replace(model.settings, half_life_days=half_life_days))


def _shares(model: Model, histories: Histories) -> Floats:
    return share(model.score(histories))


def share(scores: Floats) -> Floats:
    """Divide each row of nonnegative scores by its sum, in place, and return the scores.

    Rows of zeros do not change.
    """
    total = scores.sum(axis=1, keepdims=True, dtype=np.float32)
    scores /= np.where(total > 0, total, np.float32(1.0))
    return scores


def ndcg_of(model: Model, judge: Judge) -> float:
    """Return the validation NDCG of a model with its own half-life."""
    settings = model.settings
    ndcg = judge.ndcg_by_weights(settings, settings.half_life_days, {settings.name: model.score})
    return ndcg({settings.name: 1.0})


def best_weights(names: Sequence[str], ndcg: Callable[[Mapping[str, float]], float]) -> dict[str, float]:
    """Return the weights above 0 that steepest ascent finds.

    The search starts with the best single model, which keeps its weight of 1. Each step makes the best change of one
    weight; among equally good changes, the first by name. The search ends when no change improves the NDCG, or after
    `MAX_STEPS`. Then models are removed, smallest weight first, if the remaining models lose at most the share `WORTH`
    of the best NDCG.
    """
    names = sorted(names)
    singles = {name: ndcg({name: 1.0}) for name in names}
    best_name = max(names, key=lambda name: singles[name])
    weights, best = {best_name: 1.0}, singles[best_name]
    for _ in range(MAX_STEPS):
        changes = [
            {**weights, name: step}
            for name in names
            for step in STEPS
            if name != best_name and step != weights.get(name, 0.0)
        ]
        change, found = max(((change, ndcg(change)) for change in changes), key=lambda each: each[1], default=({}, 0.0))
        if found <= best:
            break
        weights, best = change, found
    weights = {name: weight for name, weight in weights.items() if weight}
    for name in sorted(weights, key=lambda name: (weights[name], name)):
        without = {other: weight for other, weight in weights.items() if other != name}
        if without and ndcg(without) >= best * (1.0 - WORTH):
            weights = without
    return weights
