"""Deployment in the memory cloud."""

import pytest

from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.unit.cli.shop import empty_deployment

__all__ = ["aws", "boto3_session", "clients", "cloud", "deployment", "functions_session", "memory_cloud"]


@pytest.fixture
def deployment(aws):
    return empty_deployment(aws)
