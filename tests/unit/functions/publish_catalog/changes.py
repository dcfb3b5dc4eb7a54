"""Changes of the tables as their streams deliver them."""

from __future__ import annotations

import json
from typing import Any

from functions.publish_catalog import handler
from tests.builders.lambda_events import LambdaContext

NOW_MS = 1_795_564_800_000  # 2026-11-25T00:00Z


def record(entity_id: str, sequence: int, *, key: str = "item_id", **properties: Any) -> dict[str, Any]:
    return {
        "eventID": f"shard{sequence}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {key: {"S": entity_id}},
            "SequenceNumber": str(sequence),
            "NewImage": {
                key: {"S": entity_id},
                "properties": {"S": json.dumps(properties)},
                "updated_at_ms": {"N": str(NOW_MS + sequence)},
            },
        },
    }


def deletion(item_id: str, sequence: int) -> dict[str, Any]:
    made = record(item_id, sequence)
    made["dynamodb"]["NewImage"] = {
        "item_id": {"S": item_id}, "deleted": {"BOOL": True}, "updated_at_ms": {"N": str(NOW_MS + sequence)},
    }  # fmt: skip
    return made


def deliver(context: LambdaContext, *records: dict[str, Any]) -> None:
    handler.lambda_handler({"Records": list(records)}, context)


def notify(context: LambdaContext) -> None:
    """Deliver the notification of a new object in the artefact bucket."""
    handler.lambda_handler({"source": "aws.s3", "detail-type": "Object Created"}, context)
