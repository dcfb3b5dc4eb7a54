"""Deployment in moto, which has backups of tables and executes state machines, unlike the memory cloud."""

import functools

import boto3
import pytest
from moto import mock_aws

from tests.unit.cli.shop import REGION, empty_deployment


@pytest.fixture
def client(monkeypatch):
    """Yield a function that returns clients of an empty AWS, which commands also use."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    clients = functools.cache(session.client)
    monkeypatch.setattr("operations.client.deployment.session_clients", lambda **_: clients)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield clients


@pytest.fixture
def deployment(client):
    return empty_deployment(client)
