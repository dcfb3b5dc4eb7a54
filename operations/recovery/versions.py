"""Changes that restore a versioned bucket to an earlier time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from typing import Literal

from s3transfer.manager import TransferManager

from alsolike.runtime.client_protocols import S3Client
from operations.object_versions import ObjectVersion, versions_below


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectChange:
    """Planned change to one object.

    `restore` copies the older version `version_id` over the current one. `remove` deletes an object that did not exist
    at the restored time.
    """

    key: str
    action: Literal["restore", "remove"]
    version_id: str | None
    size: int


def changes(client: S3Client, bucket: str, prefix: str, *, to: dt.datetime, keep_newer: bool) -> Iterator[ObjectChange]:
    """Yield the changes that restore the objects under a prefix to a time.

    S3 reports times in whole seconds, so all versions written in the second of `to` are included.
    """
    for _, versions in itertools.groupby(versions_below(client, bucket, prefix), key=lambda version: version.key):
        if change := _change(list(versions), to=to, keep_newer=keep_newer):
            yield change


def apply(client: S3Client, bucket: str, change: ObjectChange) -> None:
    """Apply a change. The current version remains in the bucket as a noncurrent version."""
    if change.version_id is None:
        client.delete_object(Bucket=bucket, Key=change.key)
    else:
        source = {"Bucket": bucket, "Key": change.key, "VersionId": change.version_id}
        with TransferManager(client) as transfers:  # Copies large objects in parts.
            transfers.copy(source, bucket, change.key).result()


def _change(versions: Sequence[ObjectVersion], *, to: dt.datetime, keep_newer: bool) -> ObjectChange | None:
    current = next((version for version in versions if version.is_latest), None)
    exists = current is not None and not current.is_deletion
    then = next((version for version in versions if version.modified <= to), None)
    if then is None or then.is_deletion:
        return ObjectChange(versions[0].key, "remove", None, 0) if exists and not keep_newer else None
    if then is current:
        return None
    return ObjectChange(then.key, "restore", then.version_id, then.size)
