"""Fixtures of an AWS in memory, which the conftest of a suite imports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.session import Session

import alsolike.runtime.aws
from tests.fakes import MemoryCloud
from tests.fakes.places import REGION


@pytest.fixture(scope="session")
def memory_cloud() -> MemoryCloud:
    """Create the cloud behind all clients. The fixture `cloud` empties it for each test."""
    return MemoryCloud()


@pytest.fixture(scope="session")
def boto3_session(memory_cloud: MemoryCloud) -> boto3.Session:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    memory_cloud.attach(session._session)
    return session


@pytest.fixture(scope="session")
def functions_session(memory_cloud: MemoryCloud) -> Session:
    session = alsolike.runtime.aws.session.__wrapped__()
    session.set_credentials("test", "test")
    session.set_config_variable("region", REGION)
    return memory_cloud.attach(session)


@pytest.fixture(scope="module")
def clients(boto3_session: boto3.Session) -> Iterator[Callable[[str], Any]]:
    """Return one client per service for many tests, because creating a client takes longer than most tests."""
    alsolike.runtime.aws.client.cache_clear()
    yield functools.cache(boto3_session.client)
    alsolike.runtime.aws.client.cache_clear()


@pytest.fixture
def cloud(memory_cloud: MemoryCloud) -> MemoryCloud:
    memory_cloud.clear()
    return memory_cloud


@pytest.fixture
def aws(
    cloud: MemoryCloud,
    boto3_session: boto3.Session,
    functions_session: Session,
    clients: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Any]:
    """Return the clients of an empty AWS in memory, by service. Tests must not change the clients."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3_session)
    monkeypatch.setattr(alsolike.runtime.aws, "session", lambda: functions_session)
    return clients
