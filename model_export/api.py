"""Public API of algorithms: settings with a method `fit`, and fitted models that compute scores and export graphs."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import scipy.sparse as sp

from model_export.data.features import Feature
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.data.statistics import Statistics
from model_export.graph.contract import Graph

__all__ = [
    "Algorithm", "Combination", "Feature", "FitCost", "Floats", "Graph", "Histories", "Interactions", "Judge", "Model",
    "Scorers", "Statistics",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FitCost:
    """Estimated cost of a fit.

    Attributes
    ----------
    seconds
        Processor time of all threads and processes of the fit.
    megabytes
        Resident memory of all processes of the fit, in 10^6 bytes.
    """

    seconds: float
    megabytes: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Algorithm(abc.ABC):
    """Settings of an algorithm. A subclass is a frozen dataclass that adds settings.

    Attributes
    ----------
    name
        Name of the algorithm in `--algorithms` and in the manifest.
    needs
        Module that a fit imports and that `pip install alsolike` does not install.
    by_default
        True if a comparison includes the algorithm by default.
    half_life_days
        Age at which the weight of an interaction in the history is halved. The bundle contains it as a history
        parameter.
    position_decay
        Weight of an interaction relative to the next later interaction, for models that use positions.
    inference_parameters
        Names of the settings that affect scoring only. Two algorithms that differ only in these settings share a fit.
    """

    name: ClassVar[str]
    needs: ClassVar[str | None] = None
    by_default: ClassVar[bool] = True
    inference_parameters: ClassVar[frozenset[str]] = frozenset({"half_life_days", "position_decay"})
    half_life_days: float = math.inf
    position_decay: float = 1.0

    @abc.abstractmethod
    def fit(self, interactions: Interactions) -> Model:
        """Return a fitted model. Equal interactions and settings result in equal models."""

    def fit_from_statistics(self, statistics: Statistics) -> Model | None:
        """Return a model that is fitted from statistics, or None if the algorithm needs the interactions.

        Raises
        ------
        InvalidInput
            If the statistics do not suit the settings.
        """
        return None

    @classmethod
    def fits_from_statistics(cls) -> bool:
        """Return whether the algorithm can be fitted from statistics, at least with some settings."""
        return cls.fit_from_statistics is not Algorithm.fit_from_statistics

    def fit_with_early_stopping(self, interactions: Interactions, judge: Callable[[Model], float]) -> Model:
        """Return the model with the best validation metric. Its settings contain the number of epochs.

        An algorithm without early stopping returns the result of `fit`.

        Parameters
        ----------
        judge
            Function that returns a model's metric on the validation set. Higher is better.
        """
        return self.fit(interactions)

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        """Return the reason why a comparison excludes this algorithm for the data, or None if there is no reason."""
        return None

    def fit_cost(self, interactions: Interactions) -> FitCost | None:
        """Estimate the cost of a fit from the sizes of the data.

        If the result is None, short fits measure the cost on large data.
        """
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
        """Return these settings with the default inference parameters."""
        defaults: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(self)}
        return dataclasses.replace(self, **{name: defaults[name] for name in self.inference_parameters})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(abc.ABC):
    """Fitted algorithm. A subclass is a frozen dataclass that adds learned arrays."""

    settings: Algorithm
    items: int

    @abc.abstractmethod
    def score(self, histories: Histories) -> Floats:
        """Score every item for every history. The exported graph is checked against these scores.

        Returns
        -------
        numpy.ndarray
            Scores, a new float32 array `(batch, items + 1)`. They are at least 0, and higher is better. Column 0 is 0.
            Items with score 0 are in no list.
        """

    @abc.abstractmethod
    def export(self, graph: Graph) -> str:
        """Add the nodes that compute `score` from `graph.history`. Return the name of the scores' tensor.

        The tensor is float32 `[batch, graph.width]`. Columns after `items` are ignored.
        """

    def single_item_scores(self, *, maximum: int) -> sp.csr_array | None:
        """Return at least the `maximum` largest scores of each one-item history, or None if `score` must compute them.

        Returns
        -------
        scipy.sparse.csr_array or None
            Float32 `(items + 1, items + 1)`, with a row per item of the history and a column per scored item.
        """
        return None

    def with_settings(self, settings: Algorithm) -> Self:
        """Return this model with other inference parameters."""
        return dataclasses.replace(self, settings=settings)


class Combination(Algorithm):
    """Algorithm that combines models of other algorithms, with settings from a search."""

    @abc.abstractmethod
    def search(self, tuned: Mapping[str, Model], judge: Judge) -> Algorithm:
        """Search for the best settings to combine the tuned models, measured by `judge`.

        Parameters
        ----------
        tuned
            Fitted and tuned models of other algorithms, by name.
        judge
            Validation set.
        """

    @abc.abstractmethod
    def components(self) -> Sequence[Algorithm]:
        """Return the settings of the combined algorithms."""

    @abc.abstractmethod
    def combine(self, models: Sequence[Model]) -> Model:
        """Return the combination of fitted models, which are in the order of `components`."""

    def fit(self, interactions: Interactions) -> Model:
        """Fit all components and combine the models."""
        return self.combine([component.fit(interactions) for component in self.components()])

    def fit_from_statistics(self, statistics: Statistics) -> Model | None:
        """Fit all components from statistics and combine the models. Return None if a component cannot be fitted."""
        models = [component.fit_from_statistics(statistics) for component in self.components()]
        fitted = [model for model in models if model is not None]
        return self.combine(fitted) if len(fitted) == len(models) else None


Scorers = Mapping[str, Callable[[Histories], Floats]]
"""Functions by model name. Each returns the scores of histories, `(len(histories), items + 1)`, in a new array."""


class Judge(Protocol):
    """Validation set of a combination."""

    def ndcg_by_weights(
        self, key: Hashable, half_life_days: float, scorers: Scorers
    ) -> Callable[[Mapping[str, float]], float]:
        """Return a function that computes the validation NDCG of a weighted sum of scores.

        The function takes the weights by model name; a missing weight is 0. The scorers are called with chunks of the
        validation histories, which are weighted with `half_life_days`. For an equal key, earlier scores may be used
        instead of calls.
        """
        ...
