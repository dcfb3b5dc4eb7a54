"""Status of a deployment's stores: the lake, the catalogue snapshot, tables and keys."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.lake import lake_objects
from alsolike.lake.lake_objects import LakeObject
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.snapshot.manifest import Manifest
from operations.client.aws import translate_aws_errors
from operations.client.deployment import Deployment
from operations.keys import Keys

GAP_DAYS = 30
"""Number of days before the latest day that are checked for missing events."""


def lake(deployment: Deployment) -> dict[str, Any]:
    client, bucket = deployment.client("s3"), deployment.names.lake_bucket
    with translate_aws_errors(f"s3://{bucket}"):
        objects = list(lake_objects.list_objects(client, bucket))
        days = sorted({listed.date for listed in objects})
        latest = [listed for listed in objects if listed.date == days[-1]] if days else []
        rows = _rows(client, bucket, latest)
    return {
        "days": len(days),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "rows_of_last_day": rows,
        "missing_days": missing_days(days),
        "objects": len(objects),
        "size_bytes": sum(listed.size_bytes for listed in objects),
    }


def missing_days(days: Iterable[str]) -> list[str]:
    """Return the days without events among the `GAP_DAYS` before the last day.

    Examples
    --------
    >>> missing_days(["2026-03-01", "2026-03-02", "2026-03-05"])
    ['2026-03-03', '2026-03-04']
    """
    known = sorted(map(dt.date.fromisoformat, days))
    if not known:
        return []
    first = max(known[0], known[-1] - dt.timedelta(days=GAP_DAYS))
    span = (first + dt.timedelta(days=number) for number in range((known[-1] - first).days))
    return [day.isoformat() for day in span if day not in set(known)]


def _rows(client: S3Client, bucket: str, objects: Iterable[LakeObject]) -> int:
    import pyarrow.parquet as pq

    # `read` returns None for an object that a compaction has deleted meanwhile.
    bodies = (lake_objects.read(client, bucket, listed) for listed in objects)
    return sum(pq.read_metadata(io.BytesIO(body)).num_rows for body in bodies if body is not None)


def snapshot(deployment: Deployment) -> dict[str, Any] | None:
    with translate_aws_errors("the catalogue snapshot"):
        stored = S3Object(deployment.client("s3"), deployment.names.artefact_bucket, SNAPSHOT_KEY).read()
    if stored is None:
        return None
    manifest = Manifest.from_json(stored.body)
    return {"published_ms": manifest.published_ms, "rows": sum(segment.rows for segment in manifest.segments)}


def missing_tables(deployment: Deployment) -> list[str]:
    names, client = deployment.names, deployment.client("dynamodb")
    missing = []
    for table in (names.profiles_table, names.catalogue_table, names.users_table, names.keys_table):
        try:
            client.describe_table(TableName=table)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise Unavailable(f"table {table}: {error}") from error
            missing.append(table)
    return missing


def dead_keys(deployment: Deployment, *, now_ms: int) -> list[str]:
    keys = Keys(deployment.client, deployment.names)
    return [key.key_id for key in keys.all() if key.is_active(now_ms=now_ms) and not keys.can_decrypt(key)]
