import pytest

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Shop.booted(synthesized(**QUICK), tmp_path_factory.mktemp("state")) as shop:
        yield shop
