"""Processing of a table's stream batch, which is read, written to the change log and then to the snapshot.

The tables mark deleted rows, so a deletion is a record with a time. If a row itself is removed, by an erasure or in the
console, the time has a resolution of one second.

Both writes are idempotent: the object of the log is named after the batch, and the snapshot selects each item's latest
change. So Lambda can retry a failed batch completely.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import Configuration
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.snapshot.publisher import Published, SnapshotPublisher


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Changes of one batch, which belong to one table.

    Records do not contain their shard, so `shard` is the first record's ID. `unreadable` is the number of records with
    an unknown format.
    """

    kind: ChangeKind
    shard: str
    first_sequence: str
    last_sequence: str
    changes: tuple[Change, ...]
    unreadable: int


def read_batch(event: Mapping[str, Any]) -> ChangeBatch | None:
    """Return None if the event contains no records."""
    records = event.get("Records", [])
    if not records:
        return None
    kind = ChangeKind.USER if "user_id" in records[0]["dynamodb"]["Keys"] else ChangeKind.ITEM
    changes, unreadable = [], 0
    for record in records:
        try:
            change = _change(record, kind)
        except (KeyError, TypeError, ValueError, AttributeError):
            unreadable += 1
            continue
        if change is not None:
            changes.append(change)
    return ChangeBatch(
        kind=kind,
        shard=records[0]["eventID"],
        first_sequence=records[0]["dynamodb"]["SequenceNumber"],
        last_sequence=records[-1]["dynamodb"]["SequenceNumber"],
        changes=tuple(changes),
        unreadable=unreadable,
    )


def _change(record: Mapping[str, Any], kind: ChangeKind) -> Change | None:
    entity_id = record["dynamodb"]["Keys"][kind.id_column]["S"]
    if record["eventName"] == "REMOVE":
        if kind is ChangeKind.USER:
            return None  # An erased user's ID must not return to the lake.
        # The end of the second is used, so that the deletion supersedes changes of the same second.
        second = int(record["dynamodb"]["ApproximateCreationDateTime"])
        return Change(entity_id, second * 1000 + 999, None)
    image = record["dynamodb"]["NewImage"]
    updated_at_ms = int(image["updated_at_ms"]["N"])
    if image.get("deleted", {}).get("BOOL"):
        return Change(entity_id, updated_at_ms, None)
    properties = orjson.loads(image["properties"]["S"])
    if not isinstance(properties, dict):
        raise TypeError("properties are not an object")
    return Change(entity_id, updated_at_ms, properties)


def write_log(batch: ChangeBatch, *, client: S3Client, bucket: str, erased: IsErased = no_erased_users) -> int:
    """Write the batch's changes, except of erased users, to the lake. Return the number of written changes."""
    kept = [change for change in batch.changes if batch.kind is ChangeKind.ITEM or not erased(change.entity_id)]
    for date, changes in change_log.by_date(kept).items():
        key = change_log.object_key(
            batch.kind,
            date,
            shard=batch.shard,
            first_sequence=batch.first_sequence,
            last_sequence=batch.last_sequence,
        )
        with translate_aws_errors(f"s3://{bucket}/{key}"):
            client.put_object(Bucket=bucket, Key=key, Body=change_log.encode(batch.kind, changes))
    return len(kept)


def publish(
    batch: ChangeBatch | None, *, publisher: SnapshotPublisher, configuration: Configuration, now_ms: int
) -> Published | None:
    """Publish the items of a batch. Without a batch, update the snapshot to the declared columns.

    For a batch of users, and for a batch without changes, publish nothing and return None.
    """
    if batch is not None and (batch.kind is ChangeKind.USER or not batch.changes):
        return None
    return publisher.publish(
        batch.changes if batch else (),
        columns=configuration.item_columns,
        version=configuration.version,
        now_ms=now_ms,
    )
