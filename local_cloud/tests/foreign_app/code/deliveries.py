"""Record of each invocation in a table, so that a test can count the deliveries of each event."""

import json
import os
import time
import uuid

import boto3

_TABLE = boto3.resource("dynamodb").Table(os.environ["DELIVERIES"])


def note(consumer: str, content: object) -> None:
    _TABLE.put_item(
        Item={
            "consumer": consumer,
            "delivery": f"{time.time():.6f}-{uuid.uuid4()}",
            "content": json.dumps(content),
        }
    )
