"""Shop without a model that all tests of this folder share."""

import pytest

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop


@pytest.fixture(scope="session")
def assembly():
    return synthesized(**QUICK)


@pytest.fixture(scope="session")
def shop(assembly, tmp_path_factory):
    with Shop.booted(assembly, tmp_path_factory.mktemp("shop"), tls=True) as shop:
        yield shop
