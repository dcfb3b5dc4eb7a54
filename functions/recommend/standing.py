"""What requests are answered with now: the champion, the configuration, the catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from alsolike.configuration import DEFAULT, Configuration
from alsolike.snapshot import EMPTY, Snapshot
from functions.recommend.catalogue import NO_BUNDLE, Catalogue
from functions.recommend.champion import ChampionLoader
from functions.recommend.model import Model
from functions.recommend.watched import Watched

CONFIGURATION, CATALOGUE, TRENDS = "configuration", "catalogue", "trends"
NO_CONFIGURATION, NO_CATALOGUE = f"no-{CONFIGURATION}", f"no-{CATALOGUE}"

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
        self._parts: tuple[Model | None, Snapshot, Configuration] = (None, EMPTY, DEFAULT)
        self._catalogue = Catalogue(EMPTY, NO_BUNDLE, DEFAULT)

    def standing(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Standing:
        """Return what answers now.

        Raises
        ------
        Unavailable
            If no model is loaded yet and S3 does not answer.
        """
        serving = self._champion.serving(now_ms=now_ms, remaining_ms=remaining_ms)
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

    def _view(self, model: Model | None, snapshot: Snapshot, configuration: Configuration) -> Catalogue:
        parts = self._parts
        if parts[0] is not model or parts[1] is not snapshot or parts[2] is not configuration:
            self._catalogue = Catalogue(snapshot, NO_BUNDLE if model is None else model.bundle, configuration)
            self._parts = (model, snapshot, configuration)
        return self._catalogue
