"""AWS in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

from tests.unit.functions.cloud import create_bucket

REGION = "eu-west-1"
BUCKET = "artefacts"

settings.register_profile("busy machine", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("busy machine")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Gives boto3 clients of an empty AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture(scope="session")
def shared_s3() -> Any:
    """One client for all tests: making one takes longer than they do."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    return session.client("s3")


@pytest.fixture
def s3(shared_s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 with one empty bucket, `BUCKET`; its client is not to be changed."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        create_bucket(shared_s3, BUCKET)
        yield shared_s3
