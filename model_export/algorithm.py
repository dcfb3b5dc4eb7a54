"""Interfaces of an algorithm: settings that can be fitted, and a fitted model that can score and be exported."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

from model_export.interactions import Floats, Histories, Interactions
from model_export.onnx_graph import Graph
from model_export.statistics import Statistics


@dataclasses.dataclass(frozen=True, kw_only=True)
class Algorithm(abc.ABC):
    """Settings of an algorithm. A subclass is a frozen dataclass that adds its own.

    Attributes
    ----------
    name
        What `--algorithms` and the manifest call it.
    needs
        A module that fitting needs and that only an extra installs.
    half_life_days
        Age at which an interaction of the history counts half; becomes the bundle's history parameter.
    position_decay
        Weight of an interaction relative to the next later one, for models that use it.
    reading
        Names of the settings that only say how a history is read: changing them needs no other fit.
    """

    name: ClassVar[str]
    needs: ClassVar[str | None] = None
    reading: ClassVar[frozenset[str]] = frozenset({"half_life_days", "position_decay"})
    half_life_days: float = math.inf
    position_decay: float = 1.0

    @abc.abstractmethod
    def fit(self, interactions: Interactions) -> Model:
        """Learn from interactions; the same interactions and settings give the same model."""

    def fit_from_statistics(self, statistics: Statistics) -> Model | None:
        """Return what `fit` gives on the interactions that were counted; None where such counts are not enough.

        Raises
        ------
        InvalidInput
            If they were counted with other settings.
        """
        return None

    @classmethod
    def counts_may_do(cls) -> bool:
        """Say whether there are settings that can be fitted from statistics."""
        return cls.fit_from_statistics is not Algorithm.fit_from_statistics

    def fit_judged(self, interactions: Interactions, judge: Callable[[Model], float]) -> Model:
        """Fit like `fit`, but free to stop where `judge` finds the model best; its settings say where that was.

        Parameters
        ----------
        judge
            Gives a model's figure on the validation part, higher is better.
        """
        return self.fit(interactions)

    def refusal(self, interactions: Interactions) -> str | None:
        """Return why a comparison should not fit this algorithm on such data, or None."""
        return None

    def trial(self) -> tuple[Self, float]:
        """Return settings for a short fit that tells what a real one costs, and how many times as long that is."""
        return self, 1.0

    def alternatives(self) -> Sequence[Self]:
        """Return the few settings to compare on the validation part, the default first."""
        return (self,)

    def describe(self) -> str:
        """Return the settings that are not the defaults, for people."""
        changed = [
            f"{field.name} {value:g}" if isinstance(value, int | float) else f"{field.name} {value}"
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]
        return ", ".join(changed) or "defaults"

    def learning_settings(self) -> Self:
        """Return these settings with everything that only concerns reading left at its default."""
        defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **{name: defaults[name] for name in self.reading})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(abc.ABC):
    """A fitted algorithm. A subclass is a frozen dataclass that adds what was learned."""

    settings: Algorithm
    items: int

    @abc.abstractmethod
    def score(self, histories: Histories) -> Floats:
        """Score every item for every history: the reference that the exported graph is checked against.

        Returns
        -------
        float32 `(batch, items + 1)`, a fresh array, at least 0, higher is better; column 0 is 0. An item at 0 is one
        that the model knows nothing about: it is in no list.
        """

    @abc.abstractmethod
    def export(self, graph: Graph) -> str:
        """Add the nodes that compute `score` from `graph.history`; return the scores' tensor name.

        The tensor is float32 `[batch, graph.width]`; columns after `items` mean nothing.
        """

    def read_with(self, settings: Algorithm) -> Self:
        """Return this model reading histories as `settings` say."""
        return dataclasses.replace(self, settings=settings)


class Combination(Algorithm):
    """An algorithm made of other algorithms' models, whose settings are searched rather than listed."""

    @abc.abstractmethod
    def search(self, tuned: Mapping[str, Model], judge: Judge) -> Algorithm:
        """Return the best settings for combining the tuned models, measured by `judge`.

        Parameters
        ----------
        tuned
            The other algorithms' models, fitted and tuned, by name.
        judge
            The validation part.
        """

    @abc.abstractmethod
    def components(self) -> Sequence[Algorithm]:
        """Return the settings of the combined algorithms."""

    @abc.abstractmethod
    def combine(self, models: Sequence[Model]) -> Model:
        """Return the combined model, given fitted models in the order of `components`."""

    def fit(self, interactions: Interactions) -> Model:
        """Fit every component and combine them."""
        return self.combine([component.fit(interactions) for component in self.components()])

    def fit_from_statistics(self, statistics: Statistics) -> Model | None:
        """Do as `fit`, if it is possible for every component."""
        models = [component.fit_from_statistics(statistics) for component in self.components()]
        fitted = [model for model in models if model is not None]
        return self.combine(fitted) if len(fitted) == len(models) else None


class Sums(Protocol):
    """Weighted sums of several models' scores, judged."""

    def ndcg(self, weights: Mapping[str, float]) -> float:
        """Return the NDCG of the sum with these weights by model name; models without one have weight 0."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Judge:
    """The validation part as a combination sees it.

    Attributes
    ----------
    histories
        Gives the sampled validation histories with weights of a half-life in days.
    sums
        Takes models' scores of those histories, `(len(histories), items + 1)` by name, which it may change.
    """

    histories: Callable[[float], Histories]
    sums: Callable[[Mapping[str, Floats]], Sums]
