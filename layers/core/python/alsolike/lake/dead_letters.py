"""Records that could not be read, and batches that a consumer gave up on."""

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
from alsolike.events.stream import StreamRecord, partition_key, stream_records
from alsolike.lake import lake
from alsolike.lake.served import QUARANTINE_SHARD
from alsolike.runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """An unreadable record. A repeated write produces the same object with the same bytes."""

    record: StreamRecord
    reason: str

    @property
    def key(self) -> str:
        """The key in the lake bucket, by the day of the record's arrival."""
        date = lake.event_date(self.record.arrived_ms)
        return lake.quarantine_key(date, shard_id=self.record.shard_id, sequence=self.record.sequence)

    def to_json(self) -> bytes:
        """Return the object's content: the record's fields with its data in base64, and the reason."""
        fields: dict[str, Any] = self.record._asdict()
        fields["data"] = base64.b64encode(self.record.data).decode()
        return orjson.dumps({"reason": self.reason, **fields}, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, data: bytes) -> QuarantinedRecord:
        """Return the record from the result of `to_json`.

        Raises
        ------
        InvalidInput
            If the document has another form.
        """
        try:
            fields = orjson.loads(data)
            reason = fields.pop("reason")
            fields["data"] = base64.b64decode(fields["data"], validate=True)
            return cls(StreamRecord(**fields), reason)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise InvalidInput(f"not a quarantined record: {error!r}") from error


ID_DIGITS = 8
KAFKA_SHARD = "kafka-"
"""Beginning of the shard ID of quarantined Kafka records; topic and partition follow."""
IMPORT_SHARD = "import-"
"""Beginning of the shard ID of quarantined rows of import jobs; the job and the file follow."""
_VALUES = re.compile(
    r"""(?<!\w)'(?:[^'\\]|\\.)*(?:'|$)      # text as Python shows it; one that was cut has no end
    | "(?:[^"\\]|\\.)*(?:"|$)             # as JSON does
    | ^.*(?=\ is\ not\ a\ known\ field)
    | -?\d+(?:\.\d+)?(?:e[+-]?\d+)?
    | \b(?:True|False|None|null|true|false)\b""",
    re.VERBOSE | re.DOTALL,
)


class Kind(StrEnum):
    """The kinds of unprocessed objects."""

    RECORD = "record"
    LINE = "line of a log"
    KAFKA = "Kafka record"
    IMPORT = "row of an import"
    BATCH = "failed batch"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class DeadLetter:
    """An object with unprocessed records.

    Attributes
    ----------
    reason
        The reason.
    time_ms
        Time of the record's arrival or of the batch's failure, epoch milliseconds.
    records
        Its records; empty if they cannot be separated.
    """

    key: str
    kind: Kind
    reason: str
    time_ms: int
    records: tuple[StreamRecord, ...]

    @property
    def id(self) -> str:
        """A short id."""
        return short_id(self.key)

    @property
    def can_be_replayed(self) -> bool:
        """True if its records can be put on the stream."""
        return bool(self.records) and self.kind not in (Kind.LINE, Kind.KAFKA, Kind.IMPORT)

    @property
    def reason_class(self) -> str:
        """The reason without its values, for grouping."""
        return without_values(self.reason)

    @property
    def time(self) -> str:
        """The time in readable form."""
        return f"{dt.datetime.fromtimestamp(self.time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S}"

    def document(self) -> dict[str, Any]:
        """Return all that is known, as JSON has it."""
        records = [_document(record) for record in self.records]
        head = {"id": self.id, "kind": self.kind, "reason": self.reason, "key": self.key}
        if self.kind in (Kind.RECORD, Kind.LINE, Kind.KAFKA, Kind.IMPORT):
            return {**head, **records[0]}
        return {**head, "given_up_ms": self.time_ms, "records": records}


def without_values(reason: str) -> str:
    """Return a reason with `…` for each value in it."""
    return _VALUES.sub("…", reason)


def short_id(key: str) -> str:
    """Return the short name of an object."""
    return hashlib.blake2b(key.encode(), digest_size=ID_DIGITS // 2).hexdigest()


def read_dead_letter(key: str, content: bytes, *, written_ms: int) -> DeadLetter:
    """Return the unprocessed records in an object; a foreign object has no records.

    Parameters
    ----------
    written_ms
        Time of the write in S3, for objects without a time of their own.
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
    """Return the partition key for putting a record on the stream again.

    It is the producer's key if it was stored, else the key of the record's user or session. A record without either has
    no order to keep.
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
