"""Writer of a stream batch to the lake.

Object names are derived from the batch's shard and sequence range, and from the date. Contents depend only on the
batch's records, the configuration and the tombstones. So a redelivered batch writes equal bytes to the same objects,
unless the configuration or the tombstones changed.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.declarations.times import DAY_MS
from alsolike.events.stream_records import ConfigurationSource, StreamRecord, parse_batch
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.tombstones import IsErased, names_erased, no_erased_users
from alsolike.records.interaction import COLUMNS, INTERACTIONS_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import correlation_id_of
from alsolike.runtime.s3 import S3Object

SCHEMA = arrow_schema(pa, INTERACTIONS_COLUMNS)
"""Schema of the objects, which sets the encoding of a column even if all its values are null."""


@dataclasses.dataclass(frozen=True, slots=True)
class ArchiveResult:
    """Result of a batch.

    `reasons` has one element per quarantined record. `correlation_ids` are distinct, and belong to quarantined records.
    `erased` is the number of dropped records of erased users and sessions.
    """

    archived: int
    reasons: tuple[str, ...]
    erased: int = 0
    correlation_ids: tuple[str, ...] = ()


def archive(
    records: Sequence[StreamRecord],
    *,
    client: S3Client,
    bucket: str,
    configurations: ConfigurationSource,
    now_ms: int,
    erased: IsErased = no_erased_users,
) -> ArchiveResult:
    """Write valid records to the partition of their date and invalid records to quarantine.

    Records of erased users and sessions are dropped. `records` are one batch of one shard, in stream order.
    """
    parsed = parse_batch(records, configurations=configurations, now_ms=now_ms)
    readable = [event for event in parsed if not isinstance(event, InvalidInput)]
    unreadable = [
        (record, event) for record, event in zip(records, parsed, strict=True) if isinstance(event, InvalidInput)
    ]
    columns = {name: [getattr(event, name) for event in readable] for name in COLUMNS}
    rows = _without_erased(pa.table(columns, schema=SCHEMA), erased)
    refused = [(record, error) for record, error in unreadable if not names_erased(record, erased)]
    for date, day in _by_date(rows):
        key = partitions.object_key(
            date,
            shard_id=records[0].shard_id,
            first_sequence=records[0].sequence,
            last_sequence=records[-1].sequence,
        )
        S3Object(client, bucket, key).write(to_parquet(day), content_type="application/vnd.apache.parquet")
    for record, error in refused:
        quarantined = QuarantinedRecord(record, str(error))
        S3Object(client, bucket, quarantined.key).write(quarantined.to_json())
    left_out = len(readable) - len(rows) + len(unreadable) - len(refused)
    return ArchiveResult(
        len(rows),
        tuple(str(error) for _, error in refused),
        left_out,
        _correlation_ids(record for record, _ in refused),
    )


def to_parquet(rows: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(rows, content, compression=partitions.COMPRESSION)
    return content.getvalue()


def _correlation_ids(records: Iterable[StreamRecord]) -> tuple[str, ...]:
    """Return the distinct correlation IDs of unreadable records. Invalid IDs are skipped."""
    ids: dict[str, None] = {}
    for record in records:
        try:
            fields = orjson.loads(record.data)
        except orjson.JSONDecodeError:
            continue
        if isinstance(fields, dict) and (correlation_id := correlation_id_of(fields.get("correlation_id"))):
            ids[correlation_id] = None
    return tuple(ids)


def _without_erased(rows: pa.Table, erased: IsErased) -> pa.Table:
    users = [user for user in pc.unique(rows["user_id"]).to_pylist() if user is not None and erased(user)]
    anonymous = pc.is_null(rows["user_id"])
    sessions = [
        session for session in pc.unique(rows["session_id"].filter(anonymous)).to_pylist() if erased(None, session)
    ]
    if not users and not sessions:
        return rows
    of_erased_sessions = pc.and_(anonymous, pc.is_in(rows["session_id"], value_set=pa.array(sessions, pa.string())))
    return rows.filter(
        pc.invert(pc.or_(of_erased_sessions, pc.is_in(rows["user_id"], value_set=pa.array(users, pa.string()))))
    )


def _by_date(rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """Return the rows by date, in stream order. A batch of a single date is not copied."""
    days = rows["event_time_ms"].to_numpy() // DAY_MS
    if not len(days):
        return []
    if (days == days[0]).all():
        return [(partitions.event_date(int(days[0]) * DAY_MS), rows)]
    return [
        (partitions.event_date(day * DAY_MS), rows.filter(pa.array(days == day)))
        for day in dict.fromkeys(days.tolist())
    ]
