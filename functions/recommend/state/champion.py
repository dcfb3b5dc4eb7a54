"""Loaded models: the champion, and other versions for experiments and canaries.

The champion's loader polls the pointer, and switches only to a model that it could load and run.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence

from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import InvalidBundle, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.polling import NO_LIMIT, PolledValue, Polling, WaitBudget
from alsolike.runtime.struct import struct
from functions.recommend.state.bundles import BundleCache, load
from functions.recommend.state.model import Model

MODEL = "model"

MAX_EARLIER = 3
"""Maximum number of earlier champions to try if no model is loaded and the champion fails."""

MAX_WAIT_S = 3_600
"""Maximum pause between two attempts to load a version of an experiment or canary."""


@struct
class Serving:
    """Models that serve requests.

    `model` is the champion or a previous champion; None if none is loaded. `canary` comes from the last read of the
    pointer.
    """

    model: Model | None
    canary: Canary | None = None


NO_SERVING = Serving(None)


class ChampionLoader(PolledValue[Serving]):
    """Polled value of a deployment's champion.

    `is_partial` is true while a previous champion serves, or no model.
    """

    def __init__(self, registry: Registry, bundles: BundleCache, *, polling: Polling) -> None:
        self._registry = registry
        self._bundles = bundles
        self._broken: set[tuple[str, str]] = set()  # ETag of the pointer and damaged version.
        self._serving = NO_SERVING
        super().__init__(self._read_champion, name=MODEL, polling=polling, default=NO_SERVING)

    def _read_champion(self, remaining_ms: Callable[[], float]) -> Serving:
        current = self._serving.model
        if current is None:  # No other model can serve, and a damaged version may have been repaired.
            self._broken.clear()
        champion = self._registry.champion()
        if champion is None:
            # Either there is no champion yet, or a repair removed the pointer. The current model then remains.
            self._serving, self.is_partial = Serving(current), True
        elif current is not None and current.version == champion.version:
            self._serving, self.is_partial = Serving(current, champion.canary), False
        else:
            model = self._load(champion, current, remaining_ms=remaining_ms)
            self.is_partial = model is None or model.version != champion.version
            self._serving = Serving(model, champion.canary)
        return self._serving

    def _load(self, champion: Champion, current: Model | None, *, remaining_ms: Callable[[], float]) -> Model | None:
        """Return the champion, else the current model, else one of `MAX_EARLIER` predecessors, else None.

        After a load, delete the files of other versions, except versions of experiments and canaries.
        """
        earlier = champion.predecessors[:MAX_EARLIER] if current is None else ()
        for version in (champion.version, *earlier):
            model = self._sound(version, etag=champion.etag, remaining_ms=remaining_ms)
            if model is not None:
                self._bundles.keep_only(version)
                logger.info("model loaded", version=version, champion=champion.version)
                return model
        return current

    def _sound(self, version: str, *, etag: str, remaining_ms: Callable[[], float]) -> Model | None:
        """Load a version. Return None if it is damaged.

        While another model serves, a damaged version is not tried again until the pointer changes.
        """
        if (etag, version) in self._broken:
            return None
        try:
            return load(self._bundles, version, remaining_ms=remaining_ms)
        except InvalidBundle as error:
            logger.error("model cannot be loaded", version=version, reason=str(error))
            self._broken.add((etag, version))
            return None


class VariantModels:
    """Versions other than the champion in this process. Each is a polled value that is read once.

    After a failure the pause before the next attempt doubles, up to `MAX_WAIT_S`, because each attempt is a download.
    The champion serves in the meantime. `retry_s` is the first pause.
    """

    def __init__(self, bundles: BundleCache, *, retry_s: float, budget: WaitBudget = NO_LIMIT) -> None:
        self._bundles = bundles
        self._polling = Polling(math.inf, retry_s=retry_s, max_retry_s=MAX_WAIT_S, budget=budget)
        self._versions: dict[str, PolledValue[Model | None]] = {}
        self._champion: Model | None = None

    def current(
        self, requested: Sequence[str], *, champion: Model | None, now_ms: int, remaining_ms: Callable[[], float]
    ) -> Mapping[str, Model]:
        """Unload versions that are not requested, load missing ones one at a time, and return the loaded versions.

        The champion is not among the returned versions.
        """
        self._champion = champion
        own = None if champion is None else champion.version
        self._bundles.keep_too(requested)
        for version, value in list(self._versions.items()):
            if (version not in requested or version == own) and not value.is_reading:
                del self._versions[version]
                if value.was_read and version != own:
                    self._bundles.drop(version)
        for version in requested:
            if version != own and version not in self._versions:
                self._versions[version] = PolledValue(
                    functools.partial(self._load, version),
                    name=f"variant {version}",
                    polling=self._polling,
                    default=None,
                )
        active = [value for value in self._versions.values() if value.is_reading]
        for value in active or self._versions.values():
            value.current(now_ms=now_ms, remaining_ms=remaining_ms)
            if value.is_reading:
                break
        return {version: value.latest for version, value in self._versions.items() if value.latest is not None}

    def _load(self, version: str, remaining_ms: Callable[[], float]) -> Model:
        model = load(self._bundles, version, remaining_ms=remaining_ms)
        if self._champion is not None and not self._bundles.has_room_for_another(self._champion.version):
            self._bundles.drop(version)
            raise Unavailable("the disk would not have space for the next champion")
        logger.info("variant model loaded", version=version)
        return model
