"""AWS in memory, for all unit tests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.fakes.places import BUCKET, create_bucket

__all__ = ["aws", "boto3_session", "clients", "cloud", "functions_session", "memory_cloud"]

settings.register_profile("busy machine", deadline=None)  # the machine decides how long an example takes
settings.load_profile("busy machine")


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    """S3 with one empty bucket, `BUCKET`."""
    create_bucket(aws("s3"), BUCKET)
    return aws("s3")
