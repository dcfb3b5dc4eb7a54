"""Events as clients send them, and the corresponding stream records."""

from typing import Any

from alsolike.events.interactions import Interaction, parse_record
from tests.builders.lambda_events import NOW_MS

TRACKING_ID = "alsolike-test"
ARN = "arn:aws:personalize:eu-west-1:123456789012:dataset/alsolike-test"
EVENT = {"eventType": "View", "sentAt": NOW_MS / 1000, "itemId": "pear"}
CALL = {"trackingId": TRACKING_ID, "userId": "anna", "sessionId": "s1", "eventList": [EVENT]}


def stored_records(kinesis: Any) -> list[dict[str, Any]]:
    shard = kinesis.list_shards(StreamName="events")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records: list[dict[str, Any]] = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return records


def interaction(record: dict[str, Any]) -> Interaction:
    return parse_record(record["Data"], arrived_ms=NOW_MS)
