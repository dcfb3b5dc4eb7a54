"""Records of the event stream in a Lambda event, and their parser."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from alsolike.configuration.configuration import Configuration
from alsolike.events.interactions import Interaction, parse_record
from alsolike.runtime.errors import InvalidInput, UnknownEventType

MAX_PARTITION_KEY_CHARACTERS = 256


class StreamRecord(NamedTuple):
    """Record of the event stream. Quarantined Kafka records, log lines and imported rows have this form, too.

    Records are tuples, because a batch has thousands of records, and tuples are created faster than dataclasses.

    Attributes
    ----------
    sequence
        Sequence number in decimal digits. Sequence numbers increase within a shard of Kinesis.
    arrived_ms
        Approximate time of arrival on the stream, epoch milliseconds.
    partition_key
        Partition key that the producer set; None if it was not stored.
    """

    stream: str
    shard_id: str
    sequence: str
    arrived_ms: int
    data: bytes
    partition_key: str | None = None


def stream_records(event: Mapping[str, Any], *, with_region: bool = False) -> list[StreamRecord]:
    """Return the records of a Lambda event in their order. All records are from one shard of one stream.

    If `with_region` is true, shard IDs contain the region, because the streams of two regions have equal shard IDs.
    """
    records = event["Records"]
    arn = records[0]["eventSourceARN"]
    stream = arn.rpartition("/")[2]
    shard_id = records[0]["eventID"].partition(":")[0]
    if with_region:
        shard_id = f"{arn.split(':')[3]}-{shard_id}"
    return [
        StreamRecord(
            stream,
            shard_id,
            (kinesis := record["kinesis"])["sequenceNumber"],
            round(kinesis["approximateArrivalTimestamp"] * 1000),
            binascii.a2b_base64(kinesis["data"]),
            kinesis["partitionKey"],
        )
        for record in records
    ]


def partition_key(profile_id: str) -> str:
    if len(profile_id) <= MAX_PARTITION_KEY_CHARACTERS:
        return profile_id
    return hashlib.blake2b(profile_id.encode(), digest_size=32).hexdigest()


class ConfigurationSource(Protocol):
    def current(self, *, now_ms: int) -> Configuration: ...

    def refresh(self, *, now_ms: int) -> Configuration: ...


def parse_batch(
    records: Sequence[StreamRecord], *, configurations: ConfigurationSource, now_ms: int
) -> list[Interaction | InvalidInput]:
    """Return the interaction of each record, or the error of an invalid record.

    The first unknown event type in a batch causes a reload of the configuration, which may declare the type by now.
    """
    configuration = configurations.current(now_ms=now_ms)
    parsed: list[Interaction | InvalidInput] = []
    is_reloaded = False
    for record in records:
        event = _parse(record, configuration)
        if isinstance(event, UnknownEventType) and not is_reloaded:
            configuration, is_reloaded = configurations.refresh(now_ms=now_ms), True
            event = _parse(record, configuration)
        parsed.append(event)
    return parsed


def _parse(record: StreamRecord, configuration: Configuration) -> Interaction | InvalidInput:
    try:
        return parse_record(record.data, arrived_ms=record.arrived_ms, configuration=configuration)
    except InvalidInput as error:
        return error
