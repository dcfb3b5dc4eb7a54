"""A deployment whose services are moto's, in this process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli.deployment import Deployment
from tests.unit.cli.shop import NAMES, REGION


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
def deployment(client: Any) -> Deployment:
    """A deployment with empty buckets and tables."""
    for bucket in (NAMES.lake_bucket, NAMES.artefact_bucket):
        client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    tables = {NAMES.profiles_table: "profile_id", NAMES.catalogue_table: "item_id", NAMES.users_table: "user_id"}
    for table, key in tables.items():
        client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return Deployment("shop", NAMES, client, lambda scope: f"token of {scope}", is_local=False)
