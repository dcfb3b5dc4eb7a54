from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.places import BUCKET, create_bucket


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    """S3 with one empty bucket, `BUCKET`."""
    create_bucket(aws("s3"), BUCKET)
    return aws("s3")
