"""Publications for tests, and the resulting S3 objects."""

from __future__ import annotations

import datetime as dt
from typing import Any

from alsolike.catalogue.changes import Change
from alsolike.declarations.storage import SEGMENTS_PREFIX, SNAPSHOT_KEY
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.reader import SnapshotReader
from tests.fakes.places import BUCKET
from tests.unit.alsolike.catalogue_columns import COLUMNS

NOW_MS = int(dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp() * 1000)


def publish(publisher: SnapshotPublisher, *changes: Change, now_ms: int = NOW_MS) -> None:
    publisher.publish(changes, columns=COLUMNS, version=0, now_ms=now_ms)


def items(reader: SnapshotReader) -> dict[str, dict[str, Any]]:
    return dict(reader.current(now_ms=NOW_MS).items())


def item(item_id: str, at: int = 1, **properties: Any) -> Change:
    return Change(item_id, at, properties)


def segment_keys(s3: Any) -> set[str]:
    listing = s3.list_objects_v2(Bucket=BUCKET, Prefix=SEGMENTS_PREFIX)
    return {entry["Key"] for entry in listing.get("Contents", [])}


def manifest(s3: Any) -> Manifest:
    return Manifest.from_json(s3.get_object(Bucket=BUCKET, Key=SNAPSHOT_KEY)["Body"].read())


def damage(s3: Any, key: str) -> None:
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-1] + bytes([body[-1] ^ 1]))
