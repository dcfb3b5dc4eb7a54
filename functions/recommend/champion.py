"""Keeping the champion loaded: look at the pointer now and then, swap only to a model that works."""

from __future__ import annotations

import dataclasses

from alsolike.errors import InvalidBundle, Unavailable
from alsolike.observability import logger
from alsolike.registry import Registry
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.model import Model

NO_MODEL = "no-model"
STALE_MODEL = "stale-model"


@dataclasses.dataclass(frozen=True, slots=True)
class Serving:
    """What answers now.

    Attributes
    ----------
    model
        None before the first model.
    degraded
        `NO_MODEL`, `STALE_MODEL` where the champion could not be loaded and an earlier model answers, or None.
    """

    model: Model | None
    degraded: str | None


class ChampionLoader:
    """The champion of one deployment, in this process.

    Parameters
    ----------
    check_s
        The pointer is looked at on the first request, and on the first one after so many seconds.
    """

    def __init__(self, registry: Registry, bundles: BundleCache, *, check_s: float) -> None:
        self._registry = registry
        self._bundles = bundles
        self._check_ms = check_s * 1000
        self._next_check_ms = 0.0
        self._broken: tuple[str, str] | None = None  # pointer's etag and version that is not worth another try
        self._serving = Serving(None, NO_MODEL)

    def serving(self, *, now_ms: int) -> Serving:
        """Return what answers now, looking for a new champion if it is time.

        Raises
        ------
        Unavailable
            If nothing is loaded yet and S3 does not answer.
        """
        if now_ms < self._next_check_ms:
            return self._serving
        try:
            self._serving = self._checked()
        except Unavailable as error:
            if self._serving.model is None:
                raise
            logger.error("champion cannot be looked up", reason=str(error))
            self._serving = Serving(self._serving.model, STALE_MODEL)
        self._next_check_ms = now_ms + self._check_ms
        return self._serving

    def _checked(self) -> Serving:
        current = self._serving.model
        stale = Serving(current, STALE_MODEL if current else NO_MODEL)
        try:
            champion = self._registry.champion()
        except InvalidBundle as error:
            logger.error("champion pointer is unreadable", reason=str(error))
            return stale
        if champion is None:
            return Serving(current, None if current else NO_MODEL)
        if current is not None and current.version == champion.version:
            return Serving(current, None)
        if self._broken == (champion.etag, champion.version):
            return stale
        try:
            model = self._load(champion.version)
        except InvalidBundle as error:
            logger.error("champion cannot be loaded", version=champion.version, reason=str(error))
            self._broken = (champion.etag, champion.version)
            return stale
        if current is not None:
            self._bundles.drop(current.version)
        logger.info("champion loaded", version=model.version)
        return Serving(model, None)

    def _load(self, version: str) -> Model:
        """Load a version; what lies on the disk already may be damaged, so it gets a second, fresh download."""
        try:
            return Model(self._bundles.fetch(version))
        except InvalidBundle:
            self._bundles.drop(version)
        try:
            return Model(self._bundles.fetch(version))
        except InvalidBundle:
            self._bundles.drop(version)
            raise
