"""Reader of Kafka batches. The value of each record is a body of `POST /events`.

A redelivered batch has equal event IDs, which come from the client or the content. Objects in quarantine are named
after the position of the record.
"""

from __future__ import annotations

import binascii
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from alsolike.api.put_events import CALL, EVENT, EventCall, parse_put_events
from alsolike.configuration.configuration import Configuration
from alsolike.events.interactions import MAX_TIME_MS, Interaction
from alsolike.events.stream_records import ConfigurationSource, StreamRecord
from alsolike.events.stream_writer import EventStream
from alsolike.lake.quarantine import KAFKA_SHARD, QuarantinedRecord, without_values
from alsolike.privacy.pseudonyms import PLAIN_IDS, IdPolicy
from alsolike.privacy.tombstones import UserIds, names_erased
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, NotFound, UnknownEventType
from alsolike.runtime.s3 import S3Object


class KafkaRecord(NamedTuple):
    """Record of a Kafka topic.

    `time_ms` was set by the producer or the broker. `value` is empty for a deletion, which Kafka calls a tombstone.
    """

    topic: str
    partition: int
    offset: int
    time_ms: int
    value: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class KafkaResult:
    """Numbers of accepted events, events of erased users, and quarantined records in a batch."""

    accepted: int
    erased: int
    quarantined: int


def kafka_records(event: Mapping[str, Any]) -> Iterator[KafkaRecord]:
    """Yield the records of a Lambda event (https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-process.html)."""
    for records in event["records"].values():
        for record in records:
            value = binascii.a2b_base64(record["value"]) if record.get("value") else b""
            yield KafkaRecord(record["topic"], record["partition"], record["offset"], record["timestamp"], value)


@dataclasses.dataclass(frozen=True, slots=True)
class KafkaReader:
    stream: EventStream
    s3: S3Client
    lake_bucket: str
    tracking_id: str
    configurations: ConfigurationSource
    user_ids: UserIds

    def read(self, records: Iterator[KafkaRecord], *, now_ms: int, remaining_ms: Callable[[], float]) -> KafkaResult:
        """Send valid events to the stream and invalid records to quarantine. Records of erased users are dropped."""
        interactions: list[Interaction] = []
        erased = quarantined = 0
        for record, call in self._parse(records, now_ms=now_ms):
            if call.interactions and self._erased(call.interactions, now_ms=now_ms):
                erased += len(call.interactions)
            else:
                interactions += call.interactions
            if call.refused:
                quarantined += self._quarantine(record, call.refused, now_ms=now_ms)
        if interactions:
            self.stream.put(interactions, remaining_ms=remaining_ms)
        return KafkaResult(len(interactions), erased, quarantined)

    def _parse(self, records: Iterator[KafkaRecord], *, now_ms: int) -> Iterator[tuple[KafkaRecord, EventCall]]:
        """Yield each record with its events. At the first unknown event type, the configuration is read again."""
        configuration, looked = self.configurations.current(now_ms=now_ms), False
        for record in records:
            call = self._parse_record(record, configuration, now_ms=now_ms)
            if not looked and any(isinstance(error, UnknownEventType) for error in call.refused):
                configuration, looked = self.configurations.refresh(now_ms=now_ms), True
                call = self._parse_record(record, configuration, now_ms=now_ms)
            yield record, call

    def _parse_record(self, record: KafkaRecord, configuration: Configuration, *, now_ms: int) -> EventCall:
        try:
            return parse_put_events(
                record.value,
                now_ms=now_ms,
                tracking_id=self.tracking_id,
                configuration=configuration,
                ids=self.user_ids.ids,
                correlation_id=f"kafka:{record.partition}:{record.offset}",
            )
        except (InvalidInput, NotFound) as error:
            return EventCall((), (InvalidInput(str(error)),))

    def _erased(self, interactions: Sequence[Interaction], *, now_ms: int) -> bool:
        first = interactions[0]  # All events of a record have one user and session.
        return self.user_ids.erased(first.user_id, first.session_id, now_ms=now_ms)

    def _quarantine(self, record: KafkaRecord, refused: Sequence[InvalidInput], *, now_ms: int) -> bool:
        """Write a record with its reasons to quarantine.

        Return False if the record belongs to an erased user and is dropped.
        """
        reason = "; ".join(map(str, refused))
        ids = self.user_ids.ids
        entry = QuarantinedRecord(
            StreamRecord(
                stream=record.topic,
                shard_id=f"{KAFKA_SHARD}{record.topic}-{record.partition}",
                sequence=str(record.offset),
                arrived_ms=record.time_ms if 0 < record.time_ms <= MAX_TIME_MS else now_ms,
                data=record.value if ids is PLAIN_IDS else _with_stored_ids(record.value, ids),
            ),
            reason if ids is PLAIN_IDS else without_values(reason),
        )
        if names_erased(entry.record, lambda user, session=None: self.user_ids.erased(user, session, now_ms=now_ms)):
            return False
        S3Object(self.s3, self.lake_bucket, entry.key).write(entry.to_json())
        return True


def _with_stored_ids(value: bytes, ids: IdPolicy) -> bytes:
    """Return a record's known fields with pseudonyms of user and session. Empty if the record is not a JSON object.

    Unknown fields are dropped, because a misspelt field may contain the user ID.
    """
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return b""
    if not isinstance(document, dict):
        return b""
    stored = {"userId": ids.user, "sessionId": ids.session}
    known = {name: given for name, given in document.items() if name in CALL.fields}
    for name, pseudonym in stored.items():
        if name in known:
            known[name] = pseudonym(known[name]) if isinstance(known[name], str) else None
    if "eventList" in known:
        events = known["eventList"] if isinstance(known["eventList"], list) else ()
        known["eventList"] = [
            {name: given for name, given in event.items() if name in EVENT.fields}
            for event in events
            if isinstance(event, dict)
        ]
    return orjson.dumps(known)
