"""AWS in memory, for the slow tests of functions."""

import pytest

from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud

__all__ = ["aws", "boto3_session", "clients", "cloud", "functions_session", "memory_cloud", "s3"]


@pytest.fixture
def s3(aws):
    return aws("s3")
