"""Items of tables are deleted after their time to live."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local_cloud.expiry import expire_items

NOW = datetime(2026, 12, 31, 12, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
YEAR_S = 365 * 86_400
EXPIRES: dict[str, dict[str, Any]] = {
    "past": {"N": str(NOW_S - 1)},
    "now": {"N": str(NOW_S)},
    "future": {"N": str(NOW_S + 1)},
    "years ago": {"N": str(NOW_S - 4 * YEAR_S)},
    "too long ago": {"N": str(NOW_S - 6 * YEAR_S)},
    "text": {"S": str(NOW_S - 1)},
    "milliseconds": {"N": str(1000 * (NOW_S - 1))},
}
KEPT = {"future", "too long ago", "text", "milliseconds", "without"}


@pytest.fixture(params=[False, True], ids=["hash key", "hash and range key"])
def table(cloud, request):
    """Create a table with items that expire at several times. The attributes have reserved words as names."""
    properties: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
    }
    if request.param:
        properties["AttributeDefinitions"].append({"AttributeName": "range", "AttributeType": "N"})
        properties["KeySchema"].append({"AttributeName": "range", "KeyType": "RANGE"})
    table: str = cloud.create("AWS::DynamoDB::Table", **properties).physical_id
    for name in (*EXPIRES, "without"):
        item = {"name": {"S": name}, **({"range": {"N": "1"}} if request.param else {})}
        item |= {"ttl": EXPIRES[name]} if name in EXPIRES else {}
        cloud.client("dynamodb").put_item(TableName=table, Item=item)
    return table


def names(cloud, table):
    return {item["name"]["S"] for item in cloud.client("dynamodb").scan(TableName=table)["Items"]}


def test_items_expire_at_their_time(cloud, table):
    expire_items(cloud.client("dynamodb"), table, now=NOW)

    assert names(cloud, table) == KEPT


def test_table_without_time_to_live_keeps_its_items(cloud, table):
    setting = {"Enabled": False, "AttributeName": "ttl"}
    cloud.client("dynamodb").update_time_to_live(TableName=table, TimeToLiveSpecification=setting)

    expire_items(cloud.client("dynamodb"), table, now=NOW)

    assert names(cloud, table) == KEPT | EXPIRES.keys()
