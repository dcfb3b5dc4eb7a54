"""The loaded models: the champion, and the other versions of experiments and canaries.

The champion's loader polls the pointer, and switches only to a model that works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from alsolike.registry.canary import Canary
from alsolike.registry.registry import Registry
from alsolike.runtime.errors import InvalidBundle, Unavailable
from alsolike.runtime.observability import logger
from alsolike.runtime.struct import struct
from functions.recommend.state.bundles import BundleCache, load
from functions.recommend.state.model import Model
from functions.recommend.state.polling import NO_LIMIT, LimitedLookUp, LookUpLimits, unlimited

NO_MODEL = "no-model"
STALE_MODEL = "stale-model"

MAX_EARLIER = 3
"""Maximum number of earlier champions to try if no model is loaded and the champion fails."""

MAX_WAIT_MS = 3_600_000
"""Maximum pause between two attempts to load a version of an experiment or canary."""


@struct
class Serving:
    """The models that answer requests.

    Attributes
    ----------
    model
        None before the first model, and if neither the champion nor an earlier one can be loaded.
    degraded
        `NO_MODEL`, `STALE_MODEL` if the champion could not be loaded and an earlier model answers, or None.
    canary
        The version on trial next to the champion, from the last read of the pointer.
    """

    model: Model | None
    degraded: str | None
    canary: Canary | None = None


class ChampionLoader:
    """The champion of one deployment, in this process.

    Parameters
    ----------
    check_s
        The pointer is read on the first request, and on the first one after this number of seconds.
    patience
        Limit of a request's wait for a read.

    Attributes
    ----------
    answered
        True if S3 answered the last read of the pointer; a slow download of a bundle does not count as silence.
    """

    def __init__(
        self, registry: Registry, bundles: BundleCache, *, check_s: float, patience: LookUpLimits = NO_LIMIT
    ) -> None:
        self._registry = registry
        self._bundles = bundles
        self._check_ms = check_s * 1000
        self._next_check_ms = 0.0
        self._broken: set[tuple[str, str]] = set()  # pointer's etag and version: not worth another try
        self._serving = Serving(None, NO_MODEL)
        self._look: LimitedLookUp[Serving] = LimitedLookUp(patience, waits_for_first=True)
        self.answered = True

    @property
    def goes_on(self) -> bool:
        """True while a read is active whose end no request has waited for."""
        return self._look.goes_on

    def serving(self, *, now_ms: int, remaining_ms: Callable[[], float]) -> Serving:
        """Return the current models, after a check for a new champion if it is due.

        Parameters
        ----------
        remaining_ms
            Returns the time left for the request.

        Raises
        ------
        Unavailable
            If nothing is loaded yet and S3 does not answer.
        """
        if now_ms < self._next_check_ms and not self._look.goes_on:
            return self._serving
        current = self._serving.model
        if current is not None:  # the current model answers if the steps below fail
            self._next_check_ms = now_ms + self._check_ms
        time_left_ms = remaining_ms if self._look.is_waited_for else unlimited
        try:
            found = self._look.take(lambda: self._checked(time_left_ms))
        except Exception as error:
            if current is not None:
                self._serving = Serving(current, STALE_MODEL, self._serving.canary)
            if current is None or not isinstance(error, Unavailable):
                raise  # and the next request looks again
            logger.error("champion cannot be looked up", reason=str(error))
        else:
            if found is None:
                return self._serving
            self._serving = found
        self._next_check_ms = now_ms + self._check_ms
        return self._serving

    def _checked(self, remaining_ms: Callable[[], float]) -> Serving:
        current = self._serving.model
        if current is None:  # no other model answers, and a broken version may have been repaired
            self._broken.clear()
        lacking = STALE_MODEL if current else NO_MODEL
        try:
            champion = self._registry.champion()
            self.answered = True
        except Unavailable:
            self.answered = False
            raise
        except InvalidBundle as error:
            self.answered = True
            logger.error("champion pointer is unreadable", reason=str(error))
            return Serving(current, lacking, self._serving.canary)
        if champion is None:
            return Serving(current, lacking)  # promoted before, or never
        if current is not None and current.version == champion.version:
            return Serving(current, None, champion.canary)
        earlier = champion.predecessors[:MAX_EARLIER] if current is None else ()
        for version in (champion.version, *earlier):
            model = self._sound(version, etag=champion.etag, remaining_ms=remaining_ms)
            if model is not None:
                self._bundles.keep_only(version)
                logger.info("model loaded", version=version, champion=champion.version)
                return Serving(model, None if version == champion.version else STALE_MODEL, champion.canary)
        return Serving(current, lacking, champion.canary)

    def _sound(self, version: str, *, etag: str, remaining_ms: Callable[[], float]) -> Model | None:
        """Return the loaded version, or None if it is broken; it is not tried again under the same pointer."""
        if (etag, version) in self._broken:
            return None
        try:
            return load(self._bundles, version, remaining_ms=remaining_ms)
        except InvalidBundle as error:
            logger.error("model cannot be loaded", version=version, reason=str(error))
            self._broken.add((etag, version))
            return None


class VariantModels:
    """The other versions in this process.

    A version that cannot be loaded is tried again after the interval, then after twice as long, and so on. Each attempt
    is a download, and the champion answers meanwhile.

    Parameters
    ----------
    check_s
        The interval.
    patience
        Limit of a request's wait for a version.
    """

    def __init__(self, bundles: BundleCache, *, check_s: float, patience: LookUpLimits = NO_LIMIT) -> None:
        self._bundles = bundles
        self._look: LimitedLookUp[Model] = LimitedLookUp(patience)
        self._looked_for: str | None = None
        self._check_ms = check_s * 1000
        self._loaded: dict[str, Model] = {}
        self._failures: dict[str, tuple[int, float]] = {}  # number of failures, time of the next attempt

    def current(
        self, wanted: Sequence[str], *, champion: Model | None, now_ms: int, remaining_ms: Callable[[], float]
    ) -> Mapping[str, Model]:
        """Return the wanted versions that are loaded; unload the others.

        Parameters
        ----------
        champion
            Not loaded a second time.
        remaining_ms
            Returns the time left for the first request that needs a version.
        """
        own = None if champion is None else champion.version
        self._give_up([version for version in self._loaded if version not in wanted or version == own], own)
        self._bundles.keep_too(wanted)
        if self._looked_for is not None:
            self._try(self._looked_for, champion, now_ms=now_ms, remaining_ms=remaining_ms)
        for version in wanted:
            if self._looked_for is not None:  # one at a time
                break
            if version != own and version not in self._loaded and now_ms >= self._failures.get(version, (0, 0))[1]:
                self._try(version, champion, now_ms=now_ms, remaining_ms=remaining_ms)
        return self._loaded

    def _try(self, version: str, champion: Model | None, *, now_ms: int, remaining_ms: Callable[[], float]) -> None:
        time_left_ms = remaining_ms if self._look.is_waited_for else unlimited
        self._looked_for = version
        try:
            model = self._look.take(lambda: load(self._bundles, version, remaining_ms=time_left_ms))
            if model is None:
                return
            if champion is not None and not self._bundles.has_room_for_another(champion.version):
                self._bundles.drop(version)
                raise Unavailable("the disk would have no room left for the next champion")
        except Exception as error:  # noqa: BLE001  the champion answers if another version cannot be loaded
            failures = self._failures.get(version, (0, 0.0))[0] + 1
            wait_ms = min(self._check_ms * 2 ** (failures - 1), MAX_WAIT_MS)
            self._failures[version] = failures, now_ms + wait_ms
            self._looked_for = None
            reason = f"{type(error).__name__}: {error}"
            logger.error("variant model cannot be loaded", version=version, reason=reason)
            return
        self._looked_for = None
        self._failures.pop(version, None)
        self._loaded[version] = model
        logger.info("variant model loaded", version=version)

    def _give_up(self, versions: Sequence[str], champion: str | None) -> None:
        for version in versions:
            del self._loaded[version]
            if version != champion:
                self._bundles.drop(version)
