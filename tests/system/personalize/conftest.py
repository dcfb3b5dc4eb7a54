"""Shop for programs written for Amazon Personalize, which import their own data and train their own models."""

import pytest

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop, personalize_client
from tests.booted.uploads import IMPORT_BUCKET


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    assembly = synthesized(**QUICK, import_buckets=[IMPORT_BUCKET], batch_buckets=[IMPORT_BUCKET])
    with Shop.booted(assembly, tmp_path_factory.mktemp("shop"), tls=True) as booted:
        yield booted


@pytest.fixture
def personalize(shop):
    access = [option for name in ("read", "write", "admin") for option in ("--access", name)]
    key = shop.alsolike("keys", "create", "scenario", *access)["environment"]
    yield lambda service: personalize_client(service, key)
    shop.run_alsolike("keys", "delete", key["AWS_ACCESS_KEY_ID"])
