"""Reading a batch of the event stream as Lambda hands it over."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

MAX_PARTITION_KEY_CHARACTERS = 256


@dataclasses.dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record of a Kinesis stream.

    Attributes
    ----------
    sequence
        Its sequence number; numbers of one shard grow, compared as integers.
    arrived_ms
        When the stream took it in, epoch milliseconds, approximately.
    """

    stream: str
    shard_id: str
    sequence: str
    arrived_ms: int
    data: bytes


def stream_records(event: Mapping[str, Any]) -> list[StreamRecord]:
    """Return the records of a Lambda event in their order; a batch never mixes shards."""
    return [
        StreamRecord(
            stream=record["eventSourceARN"].rpartition("/")[2],
            shard_id=record["eventID"].partition(":")[0],
            sequence=record["kinesis"]["sequenceNumber"],
            arrived_ms=round(record["kinesis"]["approximateArrivalTimestamp"] * 1000),
            data=base64.b64decode(record["kinesis"]["data"]),
        )
        for record in event["Records"]
    ]
