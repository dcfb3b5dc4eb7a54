"""Reads the shards of Kinesis and DynamoDB streams."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from local_cloud.deployment import Clients
from local_cloud.sources.batches import StreamRecord
from local_cloud.sources.mapping import EventSourceMapping

_EVENT_OVERHEAD_BYTES = 600


class Shard(Protocol):
    """A shard with a position in it."""

    shard_id: str

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position on, and move it."""

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return what filters look at; None if it is not what filters can look at."""


def open_shards(mapping: EventSourceMapping, clients: Clients, *, region: str, account: str) -> Iterator[Shard]:
    """Open every shard of a mapping's stream at its starting position, which is taken now."""
    if mapping.service == "kinesis":
        answer = clients("kinesis").list_shards(StreamARN=mapping.source_arn)
        for shard in answer["Shards"]:
            yield KinesisShard(mapping, shard["ShardId"], clients, region=region, account=account)
    else:
        answer = clients("dynamodbstreams").describe_stream(StreamArn=mapping.source_arn)
        for shard in answer["StreamDescription"]["Shards"]:
            yield DynamoDbShard(mapping, shard["ShardId"], clients)


class KinesisShard:
    """A shard of a Kinesis stream."""

    def __init__(
        self, mapping: EventSourceMapping, shard_id: str, clients: Clients, *, region: str, account: str
    ) -> None:
        self.shard_id = shard_id
        self._kinesis = clients("kinesis")
        self._arn = mapping.source_arn
        self._region = region
        self._role = f"arn:aws:iam::{account}:role/event-source-mapping"
        timestamp = {"Timestamp": mapping.starting_timestamp} if mapping.starting_position == "AT_TIMESTAMP" else {}
        self._iterator = self._kinesis.get_shard_iterator(
            StreamARN=self._arn, ShardId=shard_id, ShardIteratorType=mapping.starting_position, **timestamp
        )["ShardIterator"]

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position on, and move it."""
        answer = self._kinesis.get_records(StreamARN=self._arn, ShardIterator=self._iterator, Limit=limit)
        self._iterator = answer["NextShardIterator"]
        return [self._record(record) for record in answer["Records"]]

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return the Kinesis part of the record with its data parsed; None if that is not JSON."""
        kinesis = record.event["kinesis"]
        try:
            return {**kinesis, "data": json.loads(base64.b64decode(kinesis["data"]))}
        except ValueError:
            return None

    def _record(self, record: Mapping[str, Any]) -> StreamRecord:
        data = base64.b64encode(record["Data"]).decode()
        arrival_s = record["ApproximateArrivalTimestamp"].timestamp()
        return StreamRecord(
            sequence_number=record["SequenceNumber"],
            arrival_s=arrival_s,
            size_bytes=len(data) + _EVENT_OVERHEAD_BYTES,
            event={
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": data,
                    "approximateArrivalTimestamp": arrival_s,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{self.shard_id}:{record['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": self._role,
                "awsRegion": self._region,
                "eventSourceARN": self._arn,
            },
        )


class DynamoDbShard:
    """A shard of a DynamoDB stream."""

    def __init__(self, mapping: EventSourceMapping, shard_id: str, clients: Clients) -> None:
        self.shard_id = shard_id
        self._streams = clients("dynamodbstreams")
        self._arn = mapping.source_arn
        self._iterator = self._streams.get_shard_iterator(
            StreamArn=self._arn, ShardId=shard_id, ShardIteratorType=mapping.starting_position
        )["ShardIterator"]

    def read(self, limit: int) -> list[StreamRecord]:
        """Return up to `limit` records from the position on, and move it."""
        answer = self._streams.get_records(ShardIterator=self._iterator, Limit=min(limit, 1000))
        self._iterator = answer["NextShardIterator"]
        return [self._record(record) for record in answer["Records"]]

    def filterable(self, record: StreamRecord) -> Mapping[str, Any] | None:
        """Return the whole record."""
        return record.event

    def _record(self, record: Mapping[str, Any]) -> StreamRecord:
        text = json.dumps({**record, "eventSourceARN": self._arn}, default=_plain)
        return StreamRecord(
            sequence_number=record["dynamodb"]["SequenceNumber"],
            arrival_s=record["dynamodb"]["ApproximateCreationDateTime"].timestamp(),
            size_bytes=len(text),
            event=json.loads(text),
        )


def _plain(value: Any) -> Any:
    """Write times as epoch seconds and binary attributes as base64, as Lambda does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"cannot write {type(value).__name__} into an event")
