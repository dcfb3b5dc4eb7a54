"""Deployment in the memory cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from operations.client.deployment import Deployment
from tests.fakes.fixtures import aws, boto3_session, clients, cloud, functions_session, memory_cloud
from tests.unit.cli.shop import empty_deployment

__all__ = ["aws", "boto3_session", "clients", "cloud", "deployment", "functions_session", "memory_cloud"]


@pytest.fixture
def deployment(aws: Callable[[str], Any]) -> Deployment:
    """Return a deployment with empty buckets and tables."""
    return empty_deployment(aws)
