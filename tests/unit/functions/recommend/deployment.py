"""Artefact bucket with model versions, and a loader that follows the champion."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alsolike.declarations.degraded_reasons import NO_MODEL
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.polling import CircuitBreaker, Polling
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import ChampionLoader
from tests.builders.world import World

CHECK_S = 30
RETRY_S = 5


class Deployment(World):
    """Artefact bucket with model versions, and the tested loader with a test clock."""

    def __init__(self, client: Callable[[str], Any], bucket: str, directory: Path) -> None:
        super().__init__(client, bucket, directory)
        self.cache = directory / "cache"
        self.breaker = CircuitBreaker(open_s=CHECK_S)
        self.loader = self.new_loader()
        self.times_ms: list[int] = []

    def remaining_ms(self) -> int:
        return self.times_ms.pop(0) if self.times_ms else 20_000

    def new_loader(self) -> ChampionLoader:
        cache = BundleCache(self.s3, self.bucket, self.cache)
        polling = Polling(CHECK_S, retry_s=RETRY_S, breaker=self.breaker, probes_breaker=True)
        return ChampionLoader(Registry(self.s3, self.bucket), cache, polling=polling)

    def publish(self, version: str, *, damage: str | None = None) -> None:
        """Publish a version. `damage` names a file whose content is replaced."""
        self.serve(version, damage=damage and (lambda folder: (folder / damage).write_bytes(b"damaged")))

    def serving(self, *, after_s: float = 0) -> tuple[str | None, str | None]:
        self.now_ms += round(after_s * 1000)
        model = self.loader.current(now_ms=self.now_ms, remaining_ms=self.remaining_ms).model
        return (None, NO_MODEL) if model is None else (model.version, self.loader.degraded)

    def cached(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir())
