import pytest

from tests.builders.stores import Stores


@pytest.fixture
def stores(aws):
    return Stores.create(aws)
