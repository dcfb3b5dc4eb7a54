"""Conversion of a batch's results, which are lines of JSON, to a part of the run's table and a list of failed users.

A repeated call writes the same part. If the first results are already deleted, the call deletes the other results, and
returns the counts of the part.
"""

from __future__ import annotations

import io
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.recommendations.batch_table import COLUMNS, answers_prefix, columns_of, failed_key, part_key, users_key
from alsolike.runtime.aws_errors import MISSING, translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import S3Object, listed

SCHEMA = pa.schema([pa.field(name, pa.type_for_alias(kind), nullable=False) for name, kind in COLUMNS.items()])

_COUNTS = ("users", "items", "failed")


def write(s3: S3Client, bucket: str, *, run: str, batch: str, recommender: str) -> dict[str, int]:
    """Write a batch's part and its list of failed users, delete the results, and return the counts of the part."""
    prefix = answers_prefix(run, batch)
    # Sort by the index of the first user, because the alphabetical order of the keys differs.
    keys = sorted((entry.key for entry in listed(s3, bucket, prefix)), key=lambda key: _first(key, prefix))
    is_deleting = not keys or _first(keys[0], prefix) > 0
    if is_deleting and (counts := _written(s3, bucket, part_key(run, batch))) is not None:
        _delete(s3, bucket, keys)
        return counts
    users = orjson.loads(_read(s3, bucket, users_key(run, batch)))
    results = [orjson.loads(line) for key in keys for line in _read(s3, bucket, key).splitlines()]
    if len(results) != len(users):
        raise InvalidInput(f"batch {batch} of run {run} has {len(results)} results, expected {len(users)}")
    rows: list[list[Any]] = [[] for _ in SCHEMA]
    failed: list[bytes] = []
    for user, result in zip(users, results, strict=True):
        if "error" in result:
            failed.append(orjson.dumps({"user_id": user, "reason": result["error"]}) + b"\n")
            continue
        for column, values in zip(rows, columns_of(result, recommender=recommender), strict=True):
            column.extend(values)
    counts = {"users": len(users) - len(failed), "items": len(rows[0]), "failed": len(failed)}
    failed_users = S3Object(s3, bucket, failed_key(run, batch))
    if failed:
        failed_users.write(b"".join(failed), content_type=None)
    else:  # An earlier attempt may have written a list of failed users.
        failed_users.delete()
    s3.put_object(
        Bucket=bucket,
        Key=part_key(run, batch),
        Body=_parquet(rows),
        Metadata={name: str(value) for name, value in counts.items()},
    )
    _delete(s3, bucket, keys)
    return counts


def _delete(s3: S3Client, bucket: str, keys: list[str]) -> None:
    """Delete the results in the order of users.

    If a call is interrupted, the next call detects this, because the results of the first users are missing.
    """
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)


def _parquet(rows: list[list[Any]]) -> bytes:
    table = pa.table([pa.array(values, field.type) for values, field in zip(rows, SCHEMA, strict=True)], SCHEMA)
    out = io.BytesIO()
    pq.write_table(table, out, compression=partitions.COMPRESSION)
    return out.getvalue()


def _first(key: str, prefix: str) -> int:
    """Return the index of the first user in an object with results."""
    return int(key.removeprefix(prefix).removesuffix(".jsonl"))


def _read(s3: S3Client, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _written(s3: S3Client, bucket: str, key: str) -> dict[str, int] | None:
    try:
        with translate_aws_errors(f"s3://{bucket}/{key}"):
            metadata = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    except Unavailable as error:
        if error.code not in MISSING:
            raise
        return None
    return {name: int(metadata[name]) for name in _COUNTS}
