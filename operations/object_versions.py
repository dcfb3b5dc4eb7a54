"""Current and earlier versions of the objects in a versioned bucket, and the restore of earlier versions."""

from __future__ import annotations

import dataclasses
import datetime as dt
import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from s3transfer.manager import TransferManager

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectVersion:
    """Version of an object, or a delete marker, which has neither size nor ETag."""

    key: str
    version_id: str
    modified: dt.datetime
    is_latest: bool
    is_deletion: bool
    size: int
    etag: str

    @property
    def modified_ms(self) -> int:
        """Time of the write. S3 reports whole seconds."""
        return int(self.modified.timestamp() * 1000)


def versions_below(client: S3Client, bucket: str, prefix: str) -> Iterator[ObjectVersion]:
    """Yield all versions and delete markers under a prefix, sorted by key and then latest first."""
    with translate_aws_errors(f"s3://{bucket}/{prefix}"):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            streams = (
                [_version(entry, is_deletion=is_deletion) for entry in page.get(name, [])]
                for name, is_deletion in (("Versions", False), ("DeleteMarkers", True))
            )
            yield from heapq.merge(*streams, key=_order)


def stored_versions(client: S3Client, bucket: str, key: str) -> Iterator[ObjectVersion]:
    """Yield the versions of an object, latest first, without delete markers. The object may be deleted."""
    for version in versions_below(client, bucket, key):
        if version.key == key and not version.is_deletion:
            yield version


def read_version(client: S3Client, bucket: str, version: ObjectVersion) -> bytes:
    with translate_aws_errors(f"s3://{bucket}/{version.key}"):
        answer = client.get_object(Bucket=bucket, Key=version.key, VersionId=version.version_id)
        body: bytes = answer["Body"].read()
    return body


def _order(version: ObjectVersion) -> tuple[str, bool, float, bool]:
    # S3 does not order a version and a delete marker with equal times, unless one of them is the latest. If neither is,
    # the version takes precedence.
    return version.key, not version.is_latest, -version.modified.timestamp(), version.is_deletion


def _version(entry: dict[str, Any], *, is_deletion: bool) -> ObjectVersion:
    return ObjectVersion(
        key=entry["Key"],
        version_id=entry["VersionId"],
        modified=entry["LastModified"],
        is_latest=entry["IsLatest"],
        is_deletion=is_deletion,
        size=entry.get("Size", 0),
        etag=entry.get("ETag", ""),
    )


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

    S3 reports times in whole seconds, so all versions written in the second of `to` are included. `keep_newer` keeps
    objects that did not exist at this time.
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
