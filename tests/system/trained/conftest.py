"""The shop that all tests of this folder share: each uses users and items of its own, or changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.booted.assemblies import synthesized
from tests.booted.uploads import IMPORT_BUCKET
from tests.builders.sentence_model import write_model
from tests.system.trained.opened_shop import CONFIGURATION, OpenedShop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedShop]:
    """Yield a shop with a champion, whose sentence model finds couches similar to sofas."""
    directory = tmp_path_factory.mktemp("shop")
    # A slow machine must not degrade answers: the time budget has unit tests.
    model = str(write_model(directory / "model"))
    assembly = synthesized(
        sentence_model=model, time_budget_ms=0, import_buckets=[IMPORT_BUCKET], batch_buckets=[IMPORT_BUCKET]
    )
    with OpenedShop.booted(assembly, directory, tls=True) as opened:
        opened.open(directory)
        yield opened


@pytest.fixture(scope="module", autouse=True)
def configuration_of_the_opening(shop: OpenedShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Apply the configuration of the opening after a module that has changed it."""
    before = _version(shop)
    yield
    if _version(shop) != before:
        shop.configure(CONFIGURATION, tmp_path_factory.mktemp("configuration"))


def _version(shop: OpenedShop) -> str:
    return str(shop.alsolike("config", "history", "--limit", "1")[0]["version"])
