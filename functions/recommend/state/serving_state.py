"""Current model, configuration and catalogue, which serve requests."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.configuration.experiments import models_named
from alsolike.declarations.degraded_reasons import ARM_MODEL_UNAVAILABLE, NO_MODEL, STALE_MODEL
from alsolike.registry.canary import Canary
from alsolike.runtime.polling import PolledValue
from alsolike.runtime.struct import struct
from alsolike.snapshot.snapshot import EMPTY, Snapshot
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.champion import ChampionLoader, Serving, VariantModels
from functions.recommend.state.model import Model


@struct
class ServingState:
    """Model, catalogue and configuration for a request.

    The model is None if none is loaded. `degraded` names the parts that are missing or stale. `variants` are other
    loaded models by version, each with its catalogue.
    """

    model: Model | None
    catalogue: ModelCatalogue
    configuration: Configuration
    degraded: tuple[str, ...] = ()
    variants: Mapping[str, tuple[Model, ModelCatalogue]] = dataclasses.field(default_factory=dict)
    canary: Canary | None = None

    def with_model(self, version: str) -> ServingState:
        """Return a copy with another model.

        If the other model is not loaded, the copy has the current model, and responses are degraded.
        """
        if self.model is not None and self.model.version == version:
            model, catalogue = self.model, self.catalogue
        elif version in self.variants:
            model, catalogue = self.variants[version]
        else:
            return dataclasses.replace(self, degraded=(*self.degraded, ARM_MODEL_UNAVAILABLE))
        # The copy has exactly the requested version, so a missing or stale champion does not affect the response.
        degraded = tuple(reason for reason in self.degraded if reason not in (NO_MODEL, STALE_MODEL))
        return dataclasses.replace(self, model=model, catalogue=catalogue, degraded=degraded)


class StateRefresher:
    """Refresh of model, configuration and catalogue. The first request after a value's interval refreshes the value.

    The catalogue for a model is rebuilt only if the model, the snapshot or the configuration has changed.
    """

    def __init__(
        self,
        champion: ChampionLoader,
        *,
        variants: VariantModels,
        configuration: PolledValue[Configuration],
        snapshot: PolledValue[Snapshot],
    ) -> None:
        self._champion = champion
        self._variants = variants
        self._configuration = configuration
        self._snapshot = snapshot
        self._seen: tuple[Snapshot, Configuration] = (EMPTY, DEFAULT)
        self._views: dict[Model | None, ModelCatalogue] = {}
        self._last: tuple[Serving, Snapshot, ServingState] | None = None
        self._valid_until_ms = -math.inf

    def state(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> ServingState:
        if self._last is not None and now_ms < self._valid_until_ms:
            return self._last[2]
        serving = self._champion.current(now_ms=now_ms, remaining_ms=remaining_ms)
        configuration = self._configuration.current(now_ms=now_ms, remaining_ms=remaining_ms)
        snapshot = self._snapshot.current(now_ms=now_ms, remaining_ms=remaining_ms)
        reasons = (
            NO_MODEL if serving.model is None else self._champion.degraded,
            self._configuration.degraded,
            self._snapshot.degraded,
        )
        degraded = tuple(reason for reason in reasons if reason is not None)
        self._valid_until_ms = min(
            self._champion.valid_until_ms, self._configuration.valid_until_ms, self._snapshot.valid_until_ms
        )
        if self._last is not None:
            last_serving, last_snapshot, last = self._last
            same = last_serving is serving and last_snapshot is snapshot and last.configuration is configuration
            if same and last.degraded == degraded:
                return last
        model = serving.model
        canaries = () if serving.canary is None else (serving.canary.experiment,)
        versions = models_named((*configuration.experiments.values(), *canaries), now_ms=now_ms)
        others = self._variants.current(versions, champion=model, now_ms=now_ms, remaining_ms=remaining_ms)
        views = self._views_of([model, *others.values()], snapshot, configuration)
        variants = {version: (other, views[other]) for version, other in others.items()}
        state = ServingState(model, views[model], configuration, degraded, variants, serving.canary)
        # Experiments start and end by the clock, so the result is cached only without experiments and canary.
        is_constant = not configuration.experiments and serving.canary is None
        self._last = (serving, snapshot, state) if is_constant else None
        return state

    def _views_of(
        self, models: Sequence[Model | None], snapshot: Snapshot, configuration: Configuration
    ) -> Mapping[Model | None, ModelCatalogue]:
        if self._seen[0] is not snapshot or self._seen[1] is not configuration:
            self._views.clear()
            self._seen = (snapshot, configuration)
        if self._views.keys() != set(models):
            self._views = {
                model: self._views.get(model) or ModelCatalogue(snapshot, model, configuration) for model in models
            }
        return self._views
