"""Shop that all tests of this folder share."""

import pytest

from tests.booted.assemblies import PATIENT, synthesized
from tests.booted.uploads import IMPORT_BUCKET
from tests.builders.sentence_model import write_model
from tests.system.trained.opened_shop import CONFIGURATION, OpenedShop


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Yield a shop with a champion and with a sentence model that finds couches similar to sofas."""
    directory = tmp_path_factory.mktemp("shop")
    model = str(write_model(directory / "model"))
    assembly = synthesized(
        **PATIENT, sentence_model=model, import_buckets=[IMPORT_BUCKET], batch_buckets=[IMPORT_BUCKET]
    )
    with OpenedShop.booted(assembly, directory, tls=True) as opened:
        opened.open(directory)
        yield opened


@pytest.fixture(scope="module", autouse=True)
def configuration_of_the_opening(shop, tmp_path_factory):
    """Apply the initial configuration again after each module that changed the configuration."""
    before = _version(shop)
    yield
    if _version(shop) != before:
        shop.configure(CONFIGURATION, tmp_path_factory.mktemp("configuration"))


def _version(shop):
    return str(shop.alsolike("config", "history", "--limit", "1")[0]["version"])
