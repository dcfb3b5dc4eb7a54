"""Clouds on which every operation is tested: the memory cloud and moto."""

import functools
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.fakes import MemoryCloud
from tests.fakes.places import BUCKET, REGION, TABLE, create_bucket, create_table

Clients = Callable[[str], Any]


def _session():
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


@pytest.fixture(scope="session")
def memory():
    cloud, session = MemoryCloud(), _session()
    cloud.attach(session._session)
    return cloud, functools.cache(session.client)


@pytest.fixture(scope="session")
def moto():
    return functools.cache(_session().client)


@pytest.fixture(params=["memory", "moto"])
def aws(request, memory, moto, monkeypatch):
    """Yield a function that returns clients of an empty AWS by service."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if request.param == "moto" and (differs := request.node.get_closest_marker("moto_differs")):
        pytest.skip(f"moto {differs.args[0]}")
    if request.param == "memory":
        cloud, clients = memory
        cloud.clear()
        yield clients
    else:
        with mock_aws():
            yield moto


@pytest.fixture
def s3(aws):
    """Return the client of S3 with one empty bucket."""
    create_bucket(aws("s3"), BUCKET)
    return aws("s3")


@pytest.fixture
def dynamodb(aws):
    """Return the client of DynamoDB with one empty table."""
    create_table(aws("dynamodb"), TABLE, key="id")
    return aws("dynamodb")
