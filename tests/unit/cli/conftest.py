"""A deployment whose services are moto's, in this process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alsolike.pseudonyms import Pseudonyms, pseudonyms_of
from cli.deployment import Deployment
from tests.unit.cli.shop import NAMES, REGION, empty_deployment


@pytest.fixture(scope="session")
def clients() -> Callable[[str], Any]:
    """One client a service for all tests: reading a service's description takes longer than most of them."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    return functools.cache(session.client)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives boto3 clients of an empty AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield functools.cache(lambda service: boto3.client(service, region_name=REGION))


@pytest.fixture
def pseudonyms(client: Any) -> Iterator[Pseudonyms]:
    """The deployment's hashes; without this fixture it has no secret."""
    client("secretsmanager").create_secret(Name=NAMES.hash_key_arn.rpartition(":")[2], SecretString="k" * 64)
    yield Pseudonyms(b"k" * 64)
    pseudonyms_of.cache_clear()


@pytest.fixture
def deployment(client: Any) -> Deployment:
    """A deployment with empty buckets and tables."""
    return empty_deployment(client)
