"""Buckets and tables as a deployment has them."""

from typing import Any

from tests.fakes.service import REGION

__all__ = ["BUCKET", "REGION", "TABLE", "create_bucket", "create_table"]

BUCKET = "artefacts"
TABLE = "people"


def create_table(client: Any, name: str, *, key: str) -> str:
    """Create an empty table with a partition key; return its name."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def create_bucket(client: Any, name: str) -> str:
    """Create an empty bucket; return its name."""
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name
