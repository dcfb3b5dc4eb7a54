"""AWS in memory for all unit tests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.fakes.places import BUCKET, create_bucket

__all__ = ["aws", "boto3_session", "clients", "cloud", "functions_session", "memory_cloud"]

# The duration of an example depends on the load of the machine.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    """Return an S3 client with one empty bucket, `BUCKET`."""
    create_bucket(aws("s3"), BUCKET)
    return aws("s3")
