"""Buckets and tables as a deployment has them."""

from typing import Any

from alsolike.declarations.tables import PROFILES_PARTITION_KEY, PROFILES_SORT_KEY
from tests.fakes.service import REGION

__all__ = ["BUCKET", "REGION", "TABLE", "create_bucket", "create_profiles_table", "create_table", "objects"]

BUCKET = "artefacts"
TABLE = "people"


def create_table(client: Any, name: str, *, key: str) -> str:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def create_profiles_table(client: Any, name: str) -> str:
    keys = {PROFILES_PARTITION_KEY: "HASH", PROFILES_SORT_KEY: "RANGE"}
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def create_bucket(client: Any, name: str) -> str:
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def objects(client: Any, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Return the content of objects by key, for up to 1,000 objects."""
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in listed}
