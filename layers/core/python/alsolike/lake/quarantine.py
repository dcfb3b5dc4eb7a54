"""Unreadable records, and batches of records that a consumer failed to process."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import re
from enum import StrEnum
from typing import Any

import orjson

from alsolike.declarations.storage import QUARANTINE_PREFIX
from alsolike.events.interactions import profile_id
from alsolike.events.stream_records import StreamRecord, partition_key, stream_records
from alsolike.lake import partitions
from alsolike.lake.served import QUARANTINE_SHARD
from alsolike.runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """Unreadable record. The key and the content are deterministic, so repeated writes are idempotent."""

    record: StreamRecord
    reason: str

    @property
    def key(self) -> str:
        date = partitions.event_date(self.record.arrived_ms)
        return partitions.quarantine_key(date, shard_id=self.record.shard_id, sequence=self.record.sequence)

    def to_json(self) -> bytes:
        fields: dict[str, Any] = self.record._asdict()
        fields["data"] = base64.b64encode(self.record.data).decode()
        return orjson.dumps({"reason": self.reason, **fields}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> QuarantinedRecord:
        try:
            fields = orjson.loads(data)
            reason = fields.pop("reason")
            fields["data"] = base64.b64decode(fields["data"], validate=True)
            return cls(StreamRecord(**fields), reason)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise InvalidInput(f"not a quarantined record: {error!r}") from error


ID_DIGITS = 8
KAFKA_SHARD = "kafka-"
"""Prefix of the shard ID of quarantined Kafka records, followed by topic and partition."""
IMPORT_SHARD = "import-"
"""Prefix of the shard ID of quarantined rows of import jobs, followed by job and file."""
_VALUES = re.compile(
    r"""(?<!\w)'(?:[^'\\]|\\.)*(?:'|$)      # a string literal of Python; a truncated one has no closing quote
    | "(?:[^"\\]|\\.)*(?:"|$)             # a string literal of JSON
    | ^.*(?=\ is\ not\ a\ known\ field)
    | -?\d+(?:\.\d+)?(?:e[+-]?\d+)?
    | \b(?:True|False|None|null|true|false)\b""",
    re.VERBOSE | re.DOTALL,
)


class Kind(StrEnum):
    RECORD = "record"
    LINE = "line of a log"
    KAFKA = "Kafka record"
    IMPORT = "row of an import"
    BATCH = "failed batch"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class DeadLetter:
    """S3 object with unprocessed records.

    Attributes
    ----------
    time_ms
        Time in epoch milliseconds at which the record arrived or the batch failed. For an unknown format, the time at
        which S3 stored the object.
    records
        Unprocessed records. Empty for an unknown format, and for batches that are not from the event stream.
    """

    key: str
    kind: Kind
    reason: str
    time_ms: int
    records: tuple[StreamRecord, ...]

    @property
    def id(self) -> str:
        return short_id(self.key)

    @property
    def can_be_replayed(self) -> bool:
        return bool(self.records) and self.kind not in (Kind.LINE, Kind.KAFKA, Kind.IMPORT)

    @property
    def reason_class(self) -> str:
        return without_values(self.reason)

    @property
    def time(self) -> str:
        return f"{dt.datetime.fromtimestamp(self.time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S}"

    def document(self) -> dict[str, Any]:
        records = [_document(record) for record in self.records]
        head = {"id": self.id, "kind": self.kind, "reason": self.reason, "key": self.key}
        if self.kind in (Kind.RECORD, Kind.LINE, Kind.KAFKA, Kind.IMPORT):
            return {**head, **records[0]}
        return {**head, "given_up_ms": self.time_ms, "records": records}


def without_values(reason: str) -> str:
    """Return a reason in which `…` replaces each value."""
    return _VALUES.sub("…", reason)


def short_id(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=ID_DIGITS // 2).hexdigest()


def read_dead_letter(key: str, content: bytes, *, written_ms: int) -> DeadLetter:
    """Return the content of an object with unprocessed records. An object of unknown format has no records, and its
    time is `written_ms`.
    """
    try:
        if key.startswith(QUARANTINE_PREFIX):
            quarantined = QuarantinedRecord.from_json(content)
            record = quarantined.record
            return DeadLetter(key, _kind(record), quarantined.reason, record.arrived_ms, (record,))
        return _failed_batch(key, json.loads(content))
    except (InvalidInput, ValueError, LookupError, TypeError, AttributeError) as error:
        return DeadLetter(key, Kind.UNKNOWN, f"unreadable: {error}", written_ms, ())


def _kind(record: StreamRecord) -> Kind:
    if record.shard_id.startswith(QUARANTINE_SHARD):
        return Kind.LINE
    if record.shard_id.startswith(IMPORT_SHARD):
        return Kind.IMPORT
    return Kind.KAFKA if record.shard_id.startswith(KAFKA_SHARD) else Kind.RECORD


def original_key(record: StreamRecord) -> str:
    """Return the partition key with which a record is put on the stream again.

    This is the producer's key if it was stored, else the key of the record's user or session. Records with neither
    user nor session need no order, so their key is a hash of the data.
    """
    if record.partition_key:
        return record.partition_key
    try:
        fields = json.loads(record.data)
        user_id, session_id = fields.get("user_id"), fields.get("session_id")
    except (ValueError, AttributeError):
        user_id = session_id = None
    if isinstance(user_id, str) or isinstance(session_id, str):
        return partition_key(profile_id(user_id=user_id if isinstance(user_id, str) else None, session_id=session_id))
    return hashlib.blake2b(record.data, digest_size=16).hexdigest()


def _failed_batch(key: str, document: dict[str, Any]) -> DeadLetter:
    context = document["requestContext"]
    function = next((part for part in context["functionArn"].split(":")[6:7]), context["functionArn"])
    error = (document.get("responseContext") or {}).get("functionError")
    reason = f"{function} gave up: {context['condition']}"
    if error:
        reason += f" ({error} error after {context['approximateInvokeCount']} calls)"
    moment = dt.datetime.fromisoformat(document["timestamp"].replace("Z", "+00:00"))
    records: tuple[StreamRecord, ...] = ()
    if "KinesisBatchInfo" in document:
        payload = document["payload"]
        records = tuple(stream_records(json.loads(payload) if isinstance(payload, str) else payload))
    return DeadLetter(key, Kind.BATCH, reason, int(moment.timestamp() * 1000), records)


def _document(record: StreamRecord) -> dict[str, Any]:
    fields = record._asdict()
    fields["data"] = record.data.decode(errors="replace")
    if fields["data"].encode() != record.data:
        fields["data_base64"] = base64.b64encode(record.data).decode()
    return fields
