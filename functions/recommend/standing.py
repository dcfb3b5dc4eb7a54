"""What requests are answered with now: the champion, the configuration, the catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.configuration import DEFAULT, Configuration
from alsolike.errors import Unavailable
from alsolike.observability import logger
from alsolike.snapshot import EMPTY, Snapshot
from functions.recommend.catalogue import NO_BUNDLE, Catalogue
from functions.recommend.champion import NO_MODEL, ChampionLoader, Serving
from functions.recommend.model import Model
from functions.recommend.watched import Watched

CONFIGURATION, CATALOGUE, TRENDS = "configuration", "catalogue", "trends"
NO_CONFIGURATION, NO_CATALOGUE = f"no-{CONFIGURATION}", f"no-{CATALOGUE}"

RETRY_MS = 5_000
"""How long no champion is asked for after one could not be had: less than usual, as nothing else answers."""

NO_SERVING = Serving(None, NO_MODEL)

LOOK_TIME_MS = 9_000
"""Time that has to be left for a look at the configuration or the catalogue, which a silent S3 makes long."""


@dataclasses.dataclass(frozen=True, slots=True)
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
    """

    model: Model | None
    catalogue: Catalogue
    configuration: Configuration
    degraded: tuple[str, ...] = ()


class Watch:
    """Keeps everything up to date, each part on the first request after its own interval.

    The catalogue's view is made again only when one of its three parts has changed.
    """

    def __init__(
        self, champion: ChampionLoader, *, configuration: Watched[Configuration], snapshot: Watched[Snapshot]
    ) -> None:
        self._champion = champion
        self._configuration = configuration
        self._snapshot = snapshot
        self._next_try_ms = 0
        self._parts: tuple[Model | None, Snapshot, Configuration] = (None, EMPTY, DEFAULT)
        self._catalogue = Catalogue(EMPTY, NO_BUNDLE, DEFAULT)

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
        model = serving.model
        return Standing(model, self._view(model, snapshot, configuration), configuration, degraded)

    def _serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        """Return the champion; a silent S3 makes one request wait, and those of the next seconds do without."""
        if now_ms < self._next_try_ms:
            return NO_SERVING
        try:
            return self._champion.serving(now_ms=now_ms, remaining_ms=remaining_ms)
        except Unavailable as error:
            logger.error("no champion can be had", reason=str(error))
            self._next_try_ms = now_ms + RETRY_MS
            return NO_SERVING

    def _view(self, model: Model | None, snapshot: Snapshot, configuration: Configuration) -> Catalogue:
        parts = self._parts
        if parts[0] is not model or parts[1] is not snapshot or parts[2] is not configuration:
            self._catalogue = Catalogue(snapshot, NO_BUNDLE if model is None else model.bundle, configuration)
            self._parts = (model, snapshot, configuration)
        return self._catalogue
