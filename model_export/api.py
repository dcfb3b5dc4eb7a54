"""The public API of algorithms: settings that can be fitted, and a fitted model that can score and be exported."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import scipy.sparse as sp

from model_export.data.features import Feature
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.data.statistics import Statistics
from model_export.graph.contract import Graph

__all__ = [
    "Algorithm", "Combination", "Feature", "FitCost", "Floats", "Graph", "Histories", "Interactions", "Judge", "Model",
    "Statistics", "Sums",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FitCost:
    """Estimated cost of a fit.

    Attributes
    ----------
    seconds
        Processor time of all its processes.
    megabytes
        Resident memory of all its processes, in 10^6 bytes.
    """

    seconds: float
    megabytes: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Algorithm(abc.ABC):
    """Settings of an algorithm. A subclass is a frozen dataclass that adds its own.

    Attributes
    ----------
    name
        Name for `--algorithms` and the manifest.
    needs
        Module that fitting needs and that `pip install alsolike` does not install.
    by_default
        Whether a comparison that names no algorithms includes it.
    half_life_days
        Age at which an interaction of the history counts half; becomes the bundle's history parameter.
    position_decay
        Weight of an interaction relative to the next later one, for models that use positions.
    inference_parameters
        Names of the settings that affect scoring only. Settings that differ only in these share one fit.
    """

    name: ClassVar[str]
    needs: ClassVar[str | None] = None
    by_default: ClassVar[bool] = True
    inference_parameters: ClassVar[frozenset[str]] = frozenset({"half_life_days", "position_decay"})
    half_life_days: float = math.inf
    position_decay: float = 1.0

    @abc.abstractmethod
    def fit(self, interactions: Interactions) -> Model:
        """Return a fitted model; equal interactions and settings give equal models."""

    def fit_from_statistics(self, statistics: Statistics) -> Model | None:
        """Return the model that `fit` returns for the counted interactions, or None if counts are not enough.

        Raises
        ------
        InvalidInput
            If the statistics were counted with other settings.
        """
        return None

    @classmethod
    def fits_from_statistics(cls) -> bool:
        """Return whether some settings can be fitted from statistics."""
        return cls.fit_from_statistics is not Algorithm.fit_from_statistics

    def fit_with_early_stopping(self, interactions: Interactions, judge: Callable[[Model], float]) -> Model:
        """Return the model with the best validation figure; its settings record when training stopped.

        Parameters
        ----------
        judge
            Returns a model's figure on the validation set, higher is better.
        """
        return self.fit(interactions)

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        """Return why a comparison should not fit this algorithm on such data, or None."""
        return None

    def fit_cost(self, interactions: Interactions) -> FitCost | None:
        """Return the cost of a fit, estimated from counts of the data; without an estimate, short fits measure it."""
        return None

    def param_grid(self) -> Sequence[Self]:
        """Return the settings to compare on the validation set, the default first."""
        return (self,)

    def describe(self) -> str:
        """Return the settings that differ from the defaults, as text."""
        changed = [
            f"{field.name} {value:g}" if isinstance(value, int | float) else f"{field.name} {value}"
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        ]
        return ", ".join(changed) or "defaults"

    def learning_settings(self) -> Self:
        """Return these settings with the inference parameters at their defaults."""
        defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **{name: defaults[name] for name in self.inference_parameters})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(abc.ABC):
    """A fitted algorithm. A subclass is a frozen dataclass that adds the learned arrays."""

    settings: Algorithm
    items: int

    @abc.abstractmethod
    def score(self, histories: Histories) -> Floats:
        """Score every item for every history: the reference that the exported graph is checked against.

        Returns
        -------
        float32 `(batch, items + 1)`, a fresh array, at least 0, higher is better; column 0 is 0. A score
        of 0 means that the model knows nothing about the item and no list contains it.
        """

    @abc.abstractmethod
    def export(self, graph: Graph) -> str:
        """Add the nodes that compute `score` from `graph.history`; return the scores' tensor name.

        The tensor is float32 `[batch, graph.width]`; columns after `items` are ignored.
        """

    def single_item_scores(self, *, most: int) -> sp.csr_array | None:
        """Return the `most` largest scores, or more, of each history of one item, or None if `score` must compute them.

        Returns
        -------
        float32 `(items + 1, items + 1)`, by the history's item and the scored item.
        """
        return None

    def with_settings(self, settings: Algorithm) -> Self:
        """Return this model with other inference parameters."""
        return dataclasses.replace(self, settings=settings)


class Combination(Algorithm):
    """An algorithm that combines other algorithms' models and searches its settings."""

    @abc.abstractmethod
    def search(self, tuned: Mapping[str, Model], judge: Judge) -> Algorithm:
        """Return the best settings for combining the tuned models, measured by `judge`.

        Parameters
        ----------
        tuned
            The other algorithms' models, fitted and tuned, by name.
        judge
            The validation set.
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
        """Fit every component from statistics and combine them, or return None."""
        models = [component.fit_from_statistics(statistics) for component in self.components()]
        fitted = [model for model in models if model is not None]
        return self.combine(fitted) if len(fitted) == len(models) else None


class Sums(Protocol):
    """NDCG of weighted sums of several models' scores."""

    def ndcg(self, weights: Mapping[str, float]) -> float:
        """Return the NDCG of the sum with these weights by model name; models without one have weight 0."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Judge:
    """The validation set for a combination.

    Attributes
    ----------
    histories
        Returns the sampled validation histories, weighted by a half-life in days.
    sums
        Takes the models' scores of these histories, `(len(histories), items + 1)` by name, and may change them.
    """

    histories: Callable[[float], Histories]
    sums: Callable[[Mapping[str, Floats]], Sums]
