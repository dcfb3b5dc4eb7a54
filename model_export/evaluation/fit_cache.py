"""Cache of fitted models and their costs, by interactions and learning settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.runtime.errors import InvalidInput
from model_export.api import Algorithm, Combination, Model
from model_export.data.interactions import Interactions
from model_export.data.statistics import Statistics
from model_export.processes.resources import Cost, measured


def fitted(settings: Algorithm, interactions: Interactions) -> Model:
    if interactions.counts is None:
        return settings.fit(interactions)
    return _fitted_on_statistics(settings, interactions.counts.statistics())


def _fitted_on_statistics(settings: Algorithm, statistics: Statistics) -> Model:
    model = settings.fit_from_statistics(statistics)
    if model is None:
        raise InvalidInput(f"{settings.name} cannot be fitted from statistics")
    return model


def fitted_at_cost(settings: Algorithm, interactions: Interactions) -> tuple[Model, Cost]:
    with measured() as cost:
        model = settings.fit(interactions)
    return model, cost


@dataclasses.dataclass(frozen=True, slots=True)
class EarlierFit:
    """Fitted model, and the end time of its training data."""

    model: Model
    until_ms: int


class Fits:
    def __init__(self) -> None:
        self._expected: dict[tuple[int, Algorithm], Callable[[], tuple[Model, Cost]]] = {}
        self._models: dict[tuple[int, Algorithm], tuple[Model, Cost]] = {}
        self._judged: dict[tuple[int, Algorithm], Algorithm] = {}
        self._interactions: dict[int, Interactions] = {}
        self._statistics: tuple[int, Statistics] | None = None

    def expect(self, settings: Algorithm, interactions: Interactions, fitted: Callable[[], tuple[Model, Cost]]) -> None:
        """Register a function that waits for a model from another process.

        `fit` calls the function when the model is needed.
        """
        self._interactions[id(interactions)] = interactions
        self._expected[id(interactions), settings.learning_settings()] = fitted

    def are_expected(self, settings: Algorithm, interactions: Interactions) -> bool:
        return (id(interactions), settings.learning_settings()) in self._expected

    def fit(self, settings: Algorithm, interactions: Interactions) -> Model:
        """Return a model with these settings, fitted on this instance of the interactions."""
        if isinstance(settings, Combination):
            return settings.combine([self.fit(part, interactions) for part in settings.components()])
        key = id(interactions), settings.learning_settings()
        if key in self._expected:
            self._remember(interactions, *self._expected.pop(key)())
        if key not in self._models:
            with measured() as cost:
                model = self._fit(key[1], interactions)
            self._remember(interactions, model, cost)
        return self._models[key][0].with_settings(settings)

    def fit_with_early_stopping(
        self, settings: Algorithm, interactions: Interactions, judge: Callable[[Model], float]
    ) -> Model:
        """Return a model fitted with early stopping. The settings of the model contain the number of epochs.

        Only the first call for these settings uses `judge`. Later calls, and calls of `fit` with the resulting
        settings, return the cached model. Fits from counts, and fits of another process, do not use `judge`.
        """
        key = id(interactions), settings.learning_settings()
        if key in self._expected:
            self._judged[key] = key[1]
        if key not in self._judged:
            with measured() as cost:
                if interactions.counts is None:
                    model = key[1].fit_with_early_stopping(interactions, judge)
                else:
                    model = self._fit(key[1], interactions)
            self._judged[key] = model.settings.learning_settings()
            self._remember(interactions, model, cost)
        found = self._judged[key]
        read = {name: getattr(settings, name) for name in settings.inference_parameters}
        return self.fit(dataclasses.replace(found, **read), interactions)

    def cost(self, settings: Algorithm, interactions: Interactions) -> Cost:
        if isinstance(settings, Combination):
            costs = [self.cost(part, interactions) for part in settings.components()]
            return Cost(seconds=sum(cost.seconds for cost in costs), peak_mb=max(cost.peak_mb for cost in costs))
        self.fit(settings, interactions)
        return self._models[id(interactions), settings.learning_settings()][1]

    def forget(self) -> None:
        self._expected.clear()
        self._models.clear()
        self._judged.clear()
        self._interactions.clear()
        self._statistics = None

    def _fit(self, settings: Algorithm, interactions: Interactions) -> Model:
        """Cache the statistics of the latest counts, so that another fit does not read them."""
        if interactions.counts is None:
            return settings.fit(interactions)
        self._interactions[id(interactions)] = interactions
        if self._statistics is None or self._statistics[0] != id(interactions):
            self._statistics = None  # memory may not suffice for two statistics
            self._statistics = id(interactions), interactions.counts.statistics()
        return _fitted_on_statistics(settings, self._statistics[1])

    def _remember(self, interactions: Interactions, model: Model, cost: Cost) -> None:
        # a reference to the interactions, so that no other object gets their id()
        self._interactions[id(interactions)] = interactions
        self._models[id(interactions), model.settings.learning_settings()] = model, cost
