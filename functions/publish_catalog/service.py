"""Processing of a table's stream batch, which is written to the change log and then to the snapshot.

Both steps are idempotent: the object of the log is named after the batch, and the snapshot selects each item's latest
change. So Lambda can retry a failed batch completely.
"""

from __future__ import annotations

from alsolike.catalogue import change_log
from alsolike.catalogue.change_log import ChangeKind
from alsolike.configuration.configuration import Configuration
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.snapshot.publisher import Published, SnapshotPublisher
from functions.publish_catalog.table_stream import ChangeBatch


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
