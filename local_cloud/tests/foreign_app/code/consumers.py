"""Handlers of queues, streams, topics, schedules and rules."""

import base64
import json
from typing import Any

from deliveries import note  # type: ignore[import-not-found]


def queue_messages(event: dict[str, Any], context: Any) -> Any:
    """Report messages that start with `fail` as failed. Fail the batch if a message is `explode`."""
    bodies = [record["body"] for record in event["Records"]]
    note("queue", bodies)
    if "explode" in bodies:
        raise RuntimeError("asked to explode")
    failed = [record["messageId"] for record in event["Records"] if record["body"].startswith("fail")]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def orders(event: dict[str, Any], context: Any) -> Any:
    ids = [_data(record)["id"] for record in event["Records"]]
    shard = event["Records"][0]["eventID"].split(":")[0]
    note("orders", {"shard": shard, "ids": ids})
    if any(_data(record).get("poison") for record in event["Records"]):
        raise ValueError("poison")


def clicks(event: dict[str, Any], context: Any) -> Any:
    """Report the first record with `poison` as failed, unless an earlier record has a `response` to return."""
    note("clicks", [_data(record)["id"] for record in event["Records"]])
    for record in event["Records"]:
        data = _data(record)
        if "response" in data:
            return data["response"]
        if data.get("poison"):
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    return {"batchItemFailures": []}


def stock_changes(event: dict[str, Any], context: Any) -> Any:
    note("stock", [record["dynamodb"]["NewImage"]["count"] for record in event["Records"]])


def anything(event: dict[str, Any], context: Any) -> Any:
    note(context.function_name, event)


def _data(record: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(record["kinesis"]["data"]))
