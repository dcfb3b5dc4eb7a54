"""Writer of a CloudWatch Logs delivery to the lake.

Object names are derived from the date, the log stream, and the first and last event of the delivery. Contents depend
only on the delivery's lines and the tombstones. So a repeated delivery writes equal bytes to the same objects, unless
the tombstones changed.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.events.stream_records import StreamRecord
from alsolike.lake import partitions, served
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.quarantine import QuarantinedRecord
from alsolike.privacy.pseudonyms import SHOPPER_DIGITS
from alsolike.privacy.tombstones import NO_TOMBSTONES, Tombstones
from alsolike.profiles.impressions import MAX_ITEMS, Impressions
from alsolike.records.served_response import SERVED_COLUMNS, ServedResponse
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object

DATA_MESSAGE = "DATA_MESSAGE"
"""Type of messages with log events. Messages of the other type only test the destination."""

_HASH = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{SHOPPER_DIGITS}}}(?![0-9a-f])")
SCHEMA = arrow_schema(pa, SERVED_COLUMNS)


class LogEvent(NamedTuple):
    """Line of a log. `id` is assigned by CloudWatch."""

    id: str
    timestamp_ms: int
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """Lines of one log stream, in log order."""

    group: str
    stream: str
    events: Sequence[LogEvent]

    @property
    def source(self) -> str:
        """Hash of the log group and stream for object names. Names of log streams contain slashes and brackets."""
        return hashlib.blake2b(f"{self.group}\0{self.stream}".encode(), digest_size=8).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class DeliveryResult:
    archived: int
    quarantined: int
    erased: int


def read_delivery(data: str) -> Delivery:
    """Parse a delivery of CloudWatch Logs.

    References
    ----------
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """
    try:
        document = orjson.loads(gzip.decompress(base64.b64decode(data, validate=True)))
        events = document["logEvents"] if document["messageType"] == DATA_MESSAGE else []
        lines = [LogEvent(event["id"], event["timestamp"], event["message"]) for event in events]
        return Delivery(document["logGroup"], document["logStream"], lines)
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"awslogs.data is not the data of a subscription: {error!r}") from error


def archive(
    delivery: Delivery,
    *,
    client: S3Client,
    bucket: str,
    erased: Tombstones = NO_TOMBSTONES,
    store_impressions: Callable[[list[Impressions]], None] | None = None,
) -> DeliveryResult:
    """Write valid lines to the partition of their date and invalid lines to quarantine.

    Lines of erased users and sessions are dropped. `store_impressions` is None if the configuration does not demote
    seen items.
    """
    rows: dict[str, list[ServedResponse]] = {}
    unreadable: list[QuarantinedRecord] = []
    left_out = 0
    for event in delivery.events:
        try:
            row = served.read_line(event.message)
        except InvalidInput as error:
            if _names_erased(event.message, erased):
                left_out += 1
            else:
                unreadable.append(_quarantined(delivery, event, reason=str(error)))
            continue
        if _is_erased(row, erased):
            left_out += 1
        else:
            rows.setdefault(served.served_date(row.served_ms), []).append(row)
    for date, day in rows.items():
        name = f"{delivery.source}-{delivery.events[0].id}-{delivery.events[-1].id}.parquet"
        S3Object(client, bucket, f"{served.partition_prefix(date)}{name}").write(to_parquet(day), content_type=None)
    if store_impressions is not None:
        lists = [_impressions(row) for day in rows.values() for row in day]
        store_impressions([impressions for impressions in lists if impressions is not None])
    for record in unreadable:
        S3Object(client, bucket, record.key).write(record.to_json(), content_type=None)
    return DeliveryResult(sum(map(len, rows.values())), len(unreadable), left_out)


def _impressions(row: ServedResponse) -> Impressions | None:
    """Return None if the shopper is missing or unknown, or the list is empty."""
    shopper = row.shopper or row.session
    if shopper is None or shopper == served.UNKNOWN or not row.item_ids:
        return None
    items = row.item_ids[:MAX_ITEMS]
    return Impressions(shopper, row.recommendation_id, row.recommendation_id, row.served_ms, items, is_reported=False)


def _is_erased(row: ServedResponse, erased: Tombstones) -> bool:
    """Return true if the response was for an erased user, or for an erased session without a user."""
    if row.shopper in erased.users or row.session in erased.users:
        return True
    return (row.session if row.shopper is None else row.shopper) in erased.sessions


def _names_erased(line: str, erased: Tombstones) -> bool:
    """Return true if an unreadable line contains the hash of an erased user or session."""
    return any(word in erased.users or word in erased.sessions for word in _HASH.findall(line))


def to_parquet(rows: Sequence[ServedResponse]) -> bytes:
    columns = {name: [getattr(row, name) for row in rows] for name in SERVED_COLUMNS}
    content = io.BytesIO()
    pq.write_table(pa.table(columns, schema=SCHEMA), content, compression=partitions.COMPRESSION)
    return content.getvalue()


def _quarantined(delivery: Delivery, event: LogEvent, *, reason: str) -> QuarantinedRecord:
    shard = f"{served.QUARANTINE_SHARD}{delivery.source}"
    line = StreamRecord(delivery.group, shard, event.id, event.timestamp_ms, event.message.encode())
    return QuarantinedRecord(line, reason)
