"""Kinesis and DynamoDB streams of moto.

They are read in this process, because polls over HTTP would dominate the load.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from typing import Any

import orjson
from moto.dynamodbstreams.models import dynamodbstreams_backends
from moto.kinesis.models import kinesis_backends

from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.stream_batches import StreamRecord
from local_cloud.sources.stream_poller import Shard
from local_cloud.storage.recorder import Recorder

_EVENT_OVERHEAD_BYTES = 600
_PROCESSED_RECORDS = 1_000
"""Number of records of a shard that remain in memory after all mappings have processed them."""


def open_shards(mapping: EventSourceMapping, *, recorder: Recorder) -> Iterator[Shard]:
    """Open every shard of a mapping's stream, at the recorded position or otherwise at the starting position."""
    region, account = mapping.source_arn.split(":")[3:5]
    if mapping.service == "kinesis":
        stream = kinesis_backends[account][region].describe_stream(stream_arn=mapping.source_arn, stream_name=None)
        for shard in stream.shards.values():
            place = f"kinesis/{stream.stream_name}/{shard.shard_id}"
            yield KinesisShard(mapping, shard, Position(recorder, place, mapping, shard))
    else:
        backend = dynamodbstreams_backends[account][region]
        for described in backend.describe_stream(mapping.source_arn)["Shards"]:
            iterator = backend.get_shard_iterator(mapping.source_arn, described["ShardId"], mapping.starting_position)
            stored: Any = iterator.stream_shard
            position = Position(recorder, f"dynamodb/{stored.table.name}", mapping, stored)
            yield DynamoDbShard(mapping, stored, position.start(iterator.sequence_number), position)


class Position:
    """Recorded position of a mapping in a shard."""

    def __init__(self, recorder: Recorder, place: str, mapping: EventSourceMapping, shard: Any) -> None:
        self._recorder = recorder
        self._place = place
        self._mapping = mapping.uuid
        self._shard = shard

    def start(self, default: int) -> int:
        """Return the number of the first record that must be read, or `default` if no position is recorded."""
        return self._recorder.position(self._place, self._mapping, default)

    def advance(self, sequence_number: str) -> None:
        """Store the number of a processed record. Remove from memory most records that all mappings have processed."""
        slowest = self._recorder.advance(self._place, self._mapping, int(sequence_number) + 1)
        self._shard.forget_records(slowest - _PROCESSED_RECORDS)


class KinesisShard:
    def __init__(self, mapping: EventSourceMapping, shard: Any, position: Position) -> None:
        self.shard_id: str = shard.shard_id
        self._shard = shard
        self._arn = mapping.source_arn
        self._region, account = mapping.source_arn.split(":")[3:5]
        self._role = f"arn:aws:iam::{account}:role/event-source-mapping"
        self._last_sequence_number = 0
        if mapping.starting_position == "LATEST":
            self._last_sequence_number = shard.get_max_sequence_number()
        elif mapping.starting_position == "AT_TIMESTAMP":
            self._last_sequence_number = shard.get_sequence_number_at(mapping.starting_timestamp)
        self._last_sequence_number = position.start(self._last_sequence_number + 1) - 1
        self.processed: Callable[[str], None] = position.advance

    def read(self, limit: int) -> list[StreamRecord]:
        records, self._last_sequence_number, _ = self._shard.get_records(self._last_sequence_number, limit)
        return [self._record(record) for record in records]

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return the Kinesis section of the record with parsed data, or None if the data is not JSON."""
        kinesis = record.event["kinesis"]
        try:
            return {**kinesis, "data": json.loads(base64.b64decode(kinesis["data"]))}
        except ValueError:
            return None

    def _record(self, record: Any) -> StreamRecord:
        sequence_number = str(record.sequence_number)
        arrival_s = _truncated_to_ms(record.created_at)
        return StreamRecord(
            sequence_number=sequence_number,
            arrival_s=arrival_s,
            size_bytes=len(record.data) + _EVENT_OVERHEAD_BYTES,
            event={
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": sequence_number,
                    "data": record.data,
                    "approximateArrivalTimestamp": arrival_s,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{self.shard_id}:{sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": self._role,
                "awsRegion": self._region,
                "eventSourceARN": self._arn,
            },
        )


class DynamoDbShard:
    def __init__(self, mapping: EventSourceMapping, shard: Any, next_sequence_number: int, position: Position) -> None:
        self.shard_id: str = shard.id
        self._shard = shard
        self._arn = mapping.source_arn
        self._next_sequence_number = next_sequence_number
        self.processed: Callable[[str], None] = position.advance

    def read(self, limit: int) -> list[StreamRecord]:
        records = self._shard.get(self._next_sequence_number, limit)
        self._next_sequence_number += len(records)
        return [self._record(record) for record in records]

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        return record.event

    def _record(self, record: Mapping[str, Any]) -> StreamRecord:
        arrival_s = _truncated_to_ms(record["dynamodb"]["ApproximateCreationDateTime"].replace(tzinfo=UTC).timestamp())
        change = {**record["dynamodb"], "ApproximateCreationDateTime": arrival_s}
        event: Mapping[str, Any] = {**record, "dynamodb": change, "eventSourceARN": self._arn}
        try:
            text = orjson.dumps(event)
        except TypeError:  # Lambda encodes binary attributes as base64.
            text = orjson.dumps(event, default=lambda value: base64.b64encode(value).decode())
            event = orjson.loads(text)
        return StreamRecord(
            sequence_number=change["SequenceNumber"], arrival_s=arrival_s, size_bytes=len(text), event=event
        )


def _truncated_to_ms(time_s: float) -> float:
    """Truncate a time to milliseconds, as in AWS's responses."""
    return int(time_s * 1000) / 1000
