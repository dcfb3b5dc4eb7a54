"""Records, events and requests in the format of Lambda's events."""

import base64
import dataclasses
from collections.abc import Sequence
from typing import Any

import orjson

from alsolike.events.interactions import Interaction

NOW_MS = 1_790_000_000_000
SHARD = "shardId-000000000003"
FIRST_SEQUENCE = 49_500_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000


def interaction(event_id: str = "e1", **fields: Any) -> Interaction:
    values: dict[str, Any] = {
        "event_id": event_id,
        "user_id": "anna",
        "session_id": "s1",
        "item_id": "pear",
        "event_type": "view",
        "event_value": None,
        "event_time_ms": NOW_MS - 60_000,
        "recommendation_id": None,
        "impression": (),
        "properties": "{}",
        "received_time_ms": NOW_MS,
    }
    return Interaction(**{**values, **fields})


def sequence(index: int) -> str:
    return str(FIRST_SEQUENCE + index)


def kinesis_event(records: Sequence[Interaction | bytes], *, first: int = 0, shard: str = SHARD) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "u#anna",
                    "sequenceNumber": sequence(first + index),
                    "data": base64.b64encode(record if isinstance(record, bytes) else record.to_record()).decode(),
                    "approximateArrivalTimestamp": (NOW_MS + index) / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard}:{sequence(first + index)}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/consumer",
                "awsRegion": "eu-west-1",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
            }
            for index, record in enumerate(records)
        ]
    }


def http_event(
    route: str,
    body: Any = b"",
    *,
    base64_encoded: bool = False,
    path: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    authorizer: dict[str, Any] | None = None,
) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    method, raw_path = route.split(" ")
    present = {"pathParameters": path, "queryStringParameters": query}
    return {
        **{name: value for name, value in present.items() if value},
        "version": "2.0",
        "routeKey": route,
        "rawPath": raw_path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": raw_path, "sourceIp": "192.0.2.1"},
            "requestId": "r1",
            "stage": "$default",
            **({"authorizer": authorizer} if authorizer else {}),
        },
        "body": base64.b64encode(data).decode() if base64_encoded else data.decode(),
        "isBase64Encoded": base64_encoded,
    }


@dataclasses.dataclass(frozen=True)
class LambdaContext:
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id: str = "r1"
    remaining_ms: int = 10_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def kafka_event(*values: bytes, topic: str = "shop-events", partition: int = 0, first: int = 0) -> dict[str, Any]:
    """Return an event with one record per value. An empty value is a deletion."""
    records = [
        {
            "topic": topic,
            "partition": partition,
            "offset": first + index,
            "timestamp": NOW_MS + index,
            "timestampType": "CREATE_TIME",
            **({"value": base64.b64encode(value).decode()} if value else {}),
            "headers": [],
        }
        for index, value in enumerate(values)
    ]
    return {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": "broker.example:9092",
        "records": {f"{topic}-{partition}": records},
    }
