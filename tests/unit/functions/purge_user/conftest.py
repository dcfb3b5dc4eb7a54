from collections.abc import Callable
from typing import Any

import pytest

from tests.builders.stores import Stores


@pytest.fixture
def stores(aws: Callable[[str], Any]) -> Stores:
    return Stores.create(aws)
