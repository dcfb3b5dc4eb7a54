import pytest

from tests.infra.assembly import write_empty_layers


@pytest.fixture(scope="session")
def layers(tmp_path_factory):
    return write_empty_layers(tmp_path_factory.mktemp("layers"))
