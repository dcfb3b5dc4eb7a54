"""What requests are answered with now: the champion, the configuration, the catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from alsolike.canary import Canary
from alsolike.configuration import DEFAULT, Configuration
from alsolike.errors import Unavailable
from alsolike.experiments import models_named
from alsolike.observability import logger
from alsolike.snapshot import EMPTY, Snapshot
from alsolike.values import value_object
from functions.recommend.beside import ModelsBeside
from functions.recommend.catalogue import NO_BUNDLE, Catalogue
from functions.recommend.champion import NO_MODEL, STALE_MODEL, ChampionLoader, Serving
from functions.recommend.model import Model
from functions.recommend.silence import Silence
from functions.recommend.watched import Watched

CONFIGURATION, CATALOGUE, TRENDS = "configuration", "catalogue", "trends"
NO_CONFIGURATION, NO_CATALOGUE = f"no-{CONFIGURATION}", f"no-{CATALOGUE}"
ARM_MODEL_UNAVAILABLE = "arm-model-unavailable"

RETRY_MS = 5_000
"""How long no champion is asked for after one could not be had: less than usual, as nothing else answers."""

NO_SERVING = Serving(None, NO_MODEL)

LOOK_TIME_MS = 9_000
"""Time that has to be left for a look at the configuration or the catalogue, which a silent S3 makes long."""


@value_object
class Standing:
    """What answers a request.

    Attributes
    ----------
    model
        None before the first model.
    catalogue
        The catalogue as that model sees it.
    degraded
        What is missing or older than it should be.
    beside
        Other loaded models by version, each with the catalogue as it sees that.
    canary
        The version on trial beside the champion, if any.
    """

    model: Model | None
    catalogue: Catalogue
    configuration: Configuration
    degraded: tuple[str, ...] = ()
    beside: Mapping[str, tuple[Model, Catalogue]] = dataclasses.field(default_factory=dict)
    canary: Canary | None = None

    def with_model(self, version: str) -> Standing:
        """Return the same with another model; as it is, and less than it should be, where that is not loaded."""
        if self.model is not None and self.model.version == version:
            model, catalogue = self.model, self.catalogue
        elif version in self.beside:
            model, catalogue = self.beside[version]
        else:
            return dataclasses.replace(self, degraded=(*self.degraded, ARM_MODEL_UNAVAILABLE))
        # Whatever is wrong with the champion, it is not what answers.
        degraded = tuple(reason for reason in self.degraded if reason not in (NO_MODEL, STALE_MODEL))
        return dataclasses.replace(self, model=model, catalogue=catalogue, degraded=degraded)


class Watch:
    """Keeps everything up to date, each part on the first request after its own interval.

    A model's view of the catalogue is made again only when one of its three parts has changed.

    Parameters
    ----------
    silence
        What the configuration and the snapshot are watched with: where S3 says nothing of the champion, it is not asked
        for them.
    """

    def __init__(
        self,
        champion: ChampionLoader,
        *,
        beside: ModelsBeside,
        configuration: Watched[Configuration],
        snapshot: Watched[Snapshot],
        silence: Silence,
    ) -> None:
        self._champion = champion
        self._silence = silence
        self._beside = beside
        self._configuration = configuration
        self._snapshot = snapshot
        self._next_try_ms = 0
        self._began_s = 0.0
        self._seen: tuple[Snapshot, Configuration] = (EMPTY, DEFAULT)
        self._views: dict[Model | None, Catalogue] = {}
        self._last: tuple[Serving, Snapshot, Standing] | None = None

    def standing(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Standing:
        """Return what answers now: no model, where none is loaded yet and S3 does not answer."""
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
        beside = {version: (other, views[other]) for version, other in others.items()}
        found = Standing(model, views[model], configuration, degraded, beside, serving.canary)
        # Experiments begin and end by the clock: only without any of them does this last until something is read anew.
        lasts = not configuration.experiments and serving.canary is None
        self._last = (serving, snapshot, found) if lasts else None
        return found

    def _others(
        self, configuration: Configuration, serving: Serving, *, now_ms: int, remaining_ms: Callable[[], float]
    ) -> Mapping[str, Model]:
        """Return the loaded models that experiments and the canary need; without time to look, those there were."""
        on_trial = () if serving.canary is None else (serving.canary.experiment,)
        wanted = models_named((*configuration.experiments.values(), *on_trial), now_ms=now_ms)
        return self._beside.current(wanted, champion=serving.model, now_ms=now_ms, remaining_ms=remaining_ms)

    def _serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        """Return the champion; a silent S3 makes one request wait, and those of the next seconds do without."""
        if now_ms < self._next_try_ms:
            return NO_SERVING
        if not self._champion.goes_on:
            self._began_s = self._silence.begin_look()
        serving = NO_SERVING
        try:
            serving = self._champion.serving(now_ms=now_ms, remaining_ms=remaining_ms)
        except Unavailable as error:
            logger.error("no champion can be had", reason=str(error))
            self._next_try_ms = now_ms + RETRY_MS
        if self._champion.answered:
            self._silence.end()
        else:
            self._silence.failed(self._began_s, now_ms=now_ms)
        return serving

    def _views_of(
        self, models: Sequence[Model | None], snapshot: Snapshot, configuration: Configuration
    ) -> Mapping[Model | None, Catalogue]:
        if self._seen[0] is not snapshot or self._seen[1] is not configuration:
            self._views.clear()
            self._seen = (snapshot, configuration)
        if self._views.keys() != set(models):
            self._views = {
                model: self._views.get(model)
                or Catalogue(snapshot, NO_BUNDLE if model is None else model.bundle, configuration)
                for model in models
            }
        return self._views
