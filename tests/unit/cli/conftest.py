"""A deployment whose services are moto's, in this process."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli.deployment import TREE, Deployment, Names

REGION = "eu-west-1"
NAMES = Names(
    api_url="http://127.0.0.1:9",
    token_url="https://example.test/oauth2/token",
    user_pool_id="eu-west-1_pool",
    client_id="app",
    issuer="https://issuer.test",
    stream_name="events",
    lake_bucket="lake",
    artefact_bucket="artefacts",
    profiles_table="profiles",
    catalogue_table="catalogue",
    glue_database="shop",
    glue_table="interactions",
    state_machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:training",
    model_package_group="models",
    alerts_topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts",
    region=REGION,
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives boto3 clients of an empty AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        clients: dict[str, Any] = {}
        yield lambda service: clients.setdefault(service, boto3.client(service, region_name=REGION))


@pytest.fixture
def deployment(client: Any) -> Deployment:
    """A deployment with empty buckets and tables."""
    for bucket in (NAMES.lake_bucket, NAMES.artefact_bucket):
        client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for table, key in ((NAMES.profiles_table, "profile_id"), (NAMES.catalogue_table, "item_id")):
        client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return Deployment("shop", NAMES, client, lambda scope: f"token of {scope}", is_local=False)


def put_parameters(ssm: Any, environment: str, names: Names = NAMES, *, without: str = "") -> None:
    """Write a deployment's parameter tree, all but one key if asked."""
    for field, value in dataclasses.asdict(names).items():
        if (key := field.replace("_", "-")) != without:
            ssm.put_parameter(Name=f"{TREE}/{environment}/{key}", Value=value, Type="String")
