from collections.abc import Iterator

import pytest

from local_cloud.client import Cloud
from tests.booted.assemblies import synthesized
from tests.booted.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with nothing in it yet."""
    state = tmp_path_factory.mktemp("state") / "cloud.json"
    with Cloud.start(synthesized(), state=state) as cloud:
        yield Shop(cloud, state)
