"""Shop with records and batches in quarantine."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from alsolike.events.stream_records import StreamRecord
from alsolike.lake.quarantine import QuarantinedRecord
from cli import main as command
from operations.client.deployment import Deployment
from tests.fakes.places import create_bucket
from tests.unit.cli.shop import KEY, NAMES

BATCH_KEY = "aws/lambda/0d1-mapping/shardId-000000000000/2026/09/21/2026-09-21T10.11.12-uuid"
ARRIVED_MS = 1_790_000_000_000


def open_shop(client: Callable[[str], Any]) -> Deployment:
    create_bucket(client("s3"), NAMES.lake_bucket)
    client("kinesis").create_stream(StreamName=NAMES.stream_name, ShardCount=1)
    return Deployment("shop", NAMES, client, lambda: KEY, is_local=False)


def event(event_id: str = "e1", **fields: Any) -> bytes:
    record: dict[str, Any] = {
        "event_id": event_id, "user_id": "anna", "session_id": None, "item_id": "pear", "event_type": "view",
        "event_value": None, "event_time_ms": ARRIVED_MS, "recommendation_id": None, "impression": [],
        "properties": "{}", "received_time_ms": ARRIVED_MS, "schema_version": 1,
    }  # fmt: skip
    return json.dumps({**record, **fields}).encode()


def hold(
    shop: Deployment, data: bytes, reason: str = "bad", sequence: int = 1, arrived_ms: int = ARRIVED_MS, **fields: Any
) -> str:
    record = StreamRecord("events", "shardId-000000000000", str(sequence), arrived_ms, data, **fields)
    quarantined = QuarantinedRecord(record, reason)
    put(shop, quarantined.key, quarantined.to_json())
    return quarantined.key


def hold_batch(shop: Deployment, *data: bytes, key: str = BATCH_KEY, **changes: Any) -> str:
    """Store a batch as Lambda does: docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
    records = [
        {
            "kinesis": {
                "partitionKey": "u#anna", "sequenceNumber": str(10 + index), "data": base64.b64encode(each).decode(),
                "approximateArrivalTimestamp": ARRIVED_MS / 1000,
            },
            "eventID": f"shardId-000000000000:{10 + index}",
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
        }
        for index, each in enumerate(data)
    ]  # fmt: skip
    document = {
        "requestContext": {
            "requestId": "r", "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:archive:live",
            "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-09-21T10:11:12.345Z",
        "KinesisBatchInfo": {"shardId": "shardId-000000000000", "batchSize": len(data)},
        "payload": json.dumps({"Records": records}),
        **changes,
    }  # fmt: skip
    put(shop, key, json.dumps({name: value for name, value in document.items() if value is not None}).encode())
    return key


def put(shop: Deployment, key: str, body: bytes) -> None:
    shop.client("s3").put_object(Bucket=NAMES.lake_bucket, Key=key, Body=body)


def keys(shop: Deployment) -> list[str]:
    listed = shop.client("s3").list_objects_v2(Bucket=NAMES.lake_bucket).get("Contents", [])
    return [entry["Key"] for entry in listed]


def on_the_stream(shop: Deployment) -> list[tuple[str, bytes]]:
    kinesis = shop.client("kinesis")
    found = []
    for shard in kinesis.list_shards(StreamName=NAMES.stream_name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=NAMES.stream_name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
        found += [(each["PartitionKey"], each["Data"]) for each in records]
    return found


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(command.app, ["quarantine", *arguments], **options)


def document(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
