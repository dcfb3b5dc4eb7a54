"""The current model, configuration and catalogue, which answer requests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from alsolike.domain.configuration import DEFAULT, Configuration
from alsolike.domain.experiments import models_named
from alsolike.registry.canary import Canary
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct
from alsolike.snapshot.snapshot import EMPTY, Snapshot
from functions.recommend.state.catalogue import NO_BUNDLE, ModelCatalogue
from functions.recommend.state.champion import NO_MODEL, STALE_MODEL, ChampionLoader, Serving, VariantModels
from functions.recommend.state.model import Model
from functions.recommend.state.polling import CircuitBreaker, PolledValue

CONFIGURATION, CATALOGUE, TRENDS = "configuration", "catalogue", "trends"
NO_CONFIGURATION, NO_CATALOGUE = f"no-{CONFIGURATION}", f"no-{CATALOGUE}"
ARM_MODEL_UNAVAILABLE = "arm-model-unavailable"

RETRY_MS = 5_000
"""Pause after a failed read of the first champion: shorter than the usual interval, since no other model answers."""

NO_SERVING = Serving(None, NO_MODEL)

LOOK_TIME_MS = 9_000
"""Minimum remaining time for a read of the configuration or the catalogue, which a silent S3 makes slow."""


@struct
class ServingState:
    """The model, catalogue and configuration for a request.

    Attributes
    ----------
    model
        None before the first model.
    catalogue
        The catalogue as that model sees it.
    degraded
        Names of the parts that are missing or stale.
    variants
        Other loaded models by version, each with the catalogue as it sees that.
    canary
        The version on trial next to the champion, if any.
    """

    model: Model | None
    catalogue: ModelCatalogue
    configuration: Configuration
    degraded: tuple[str, ...] = ()
    variants: Mapping[str, tuple[Model, ModelCatalogue]] = dataclasses.field(default_factory=dict)
    canary: Canary | None = None

    def with_model(self, version: str) -> ServingState:
        """Return a copy with another model; if it is not loaded, keep this one and declare the answer degraded."""
        if self.model is not None and self.model.version == version:
            model, catalogue = self.model, self.catalogue
        elif version in self.variants:
            model, catalogue = self.variants[version]
        else:
            return dataclasses.replace(self, degraded=(*self.degraded, ARM_MODEL_UNAVAILABLE))
        # Problems of the champion do not affect this model.
        degraded = tuple(reason for reason in self.degraded if reason not in (NO_MODEL, STALE_MODEL))
        return dataclasses.replace(self, model=model, catalogue=catalogue, degraded=degraded)


class StateRefresher:
    """The refresh of all parts, each on the first request after its own interval.

    A model's view of the catalogue is rebuilt only if one of its three parts has changed.

    Parameters
    ----------
    breaker
        The circuit breaker of configuration and snapshot: if S3 times out for the champion, they are not read.
    """

    def __init__(
        self,
        champion: ChampionLoader,
        *,
        variants: VariantModels,
        configuration: PolledValue[Configuration],
        snapshot: PolledValue[Snapshot],
        breaker: CircuitBreaker,
    ) -> None:
        self._champion = champion
        self._breaker = breaker
        self._variants = variants
        self._configuration = configuration
        self._snapshot = snapshot
        self._next_try_ms = 0
        self._began_s = 0.0
        self._seen: tuple[Snapshot, Configuration] = (EMPTY, DEFAULT)
        self._views: dict[Model | None, ModelCatalogue] = {}
        self._last: tuple[Serving, Snapshot, ServingState] | None = None

    def state(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> ServingState:
        """Return the current model, configuration and catalogue; no model if none is loaded and S3 does not answer."""
        serving = self._serving(now_ms=now_ms, remaining_ms=remaining_ms)
        configuration, lacking = (
            self._configuration.current(now_ms=now_ms) if remaining_ms() > LOOK_TIME_MS else self._configuration.kept
        )
        snapshot, behind = (
            self._snapshot.current(now_ms=now_ms, remaining_ms=remaining_ms)
            if remaining_ms() > LOOK_TIME_MS
            else self._snapshot.kept
        )
        degraded = tuple(reason for reason in (serving.degraded, lacking, behind) if reason is not None)
        if self._last is not None:
            of_serving, of_snapshot, last = self._last
            same = of_serving is serving and of_snapshot is snapshot and last.configuration is configuration
            if same and last.degraded == degraded:
                return last
        model = serving.model
        others = self._others(configuration, serving, now_ms=now_ms, remaining_ms=remaining_ms)
        views = self._views_of([model, *others.values()], snapshot, configuration)
        variants = {version: (other, views[other]) for version, other in others.items()}
        found = ServingState(model, views[model], configuration, degraded, variants, serving.canary)
        # Experiments start and end by the clock, so the result is cached only without experiments and canary.
        lasts = not configuration.experiments and serving.canary is None
        self._last = (serving, snapshot, found) if lasts else None
        return found

    def _others(
        self, configuration: Configuration, serving: Serving, *, now_ms: int, remaining_ms: Callable[[], float]
    ) -> Mapping[str, Model]:
        """Return the loaded models that experiments and the canary need; without time to look, those there were."""
        on_trial = () if serving.canary is None else (serving.canary.experiment,)
        wanted = models_named((*configuration.experiments.values(), *on_trial), now_ms=now_ms)
        return self._variants.current(wanted, champion=serving.model, now_ms=now_ms, remaining_ms=remaining_ms)

    def _serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        """Return the champion; a silent S3 makes one request wait, and those of the next seconds do without."""
        if now_ms < self._next_try_ms:
            return NO_SERVING
        if not self._champion.goes_on:
            self._began_s = self._breaker.begin_look()
        serving = NO_SERVING
        try:
            serving = self._champion.serving(now_ms=now_ms, remaining_ms=remaining_ms)
        except Unavailable as error:
            logger.error("no champion can be loaded", reason=str(error))
            self._next_try_ms = now_ms + RETRY_MS
        if self._champion.answered:
            self._breaker.end()
        else:
            self._breaker.failed(self._began_s, now_ms=now_ms)
        return serving

    def _views_of(
        self, models: Sequence[Model | None], snapshot: Snapshot, configuration: Configuration
    ) -> Mapping[Model | None, ModelCatalogue]:
        if self._seen[0] is not snapshot or self._seen[1] is not configuration:
            self._views.clear()
            self._seen = (snapshot, configuration)
        if self._views.keys() != set(models):
            self._views = {
                model: self._views.get(model)
                or ModelCatalogue(snapshot, NO_BUNDLE if model is None else model.bundle, configuration)
                for model in models
            }
        return self._views
