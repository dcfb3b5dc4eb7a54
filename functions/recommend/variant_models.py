"""Model versions loaded next to the champion, for users in experiments and canaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import logger
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.model import Model
from functions.recommend.model_loading import load
from functions.recommend.time_limits import NO_LIMIT, LimitedLookUp, LookUpLimits, unlimited

MAX_WAIT_MS = 3_600_000
"""The longest that a version which could not be loaded is left alone."""


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
            logger.error("model beside the champion cannot be loaded", version=version, reason=reason)
            return
        self._looked_for = None
        self._failures.pop(version, None)
        self._loaded[version] = model
        logger.info("model loaded beside the champion", version=version)

    def _give_up(self, versions: Sequence[str], champion: str | None) -> None:
        for version in versions:
            del self._loaded[version]
            if version != champion:
                self._bundles.drop(version)
