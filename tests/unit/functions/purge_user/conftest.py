from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functions.purge_user.stores import Stores


@pytest.fixture
def stores(aws: Callable[[str], Any]) -> Stores:
    return Stores.create(aws)
