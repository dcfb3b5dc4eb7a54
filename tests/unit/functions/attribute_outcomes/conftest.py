from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functions.attribute_outcomes.shops import Shop


@pytest.fixture
def shop(aws: Callable[[str], Any], lake_bucket: str) -> Shop:
    return Shop(aws("s3"), lake_bucket)
