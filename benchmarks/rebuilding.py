"""Rebuilding profiles from the lake, compared with reading the same columns of the same objects with pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterator

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from moto import mock_aws

from alsolike.lake import partitions
from benchmarks.measure import Result, cpu_medians_ms
from operations.recovery.lake_reader import SCHEMA, LakeReader
from operations.recovery.profile_builder import logins_of, profiles_of

BUCKET = "lake"
OBJECTS = 10
ROWS_PER_OBJECT = 50_000
SHOPPERS = 20_000
ANONYMOUS_SHARE = 0.3
COLUMNS = ["event_id", "user_id", "session_id", "item_id", "event_type", "event_time_ms", "received_time_ms"]


def rebuild_profiles() -> Iterator[Result]:
    """Measure the computation of profiles. They are not written, because DynamoDB limits the speed of writes."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        for number in range(OBJECTS):
            key = partitions.object_key(
                "2026-01-01", shard_id="s", first_sequence=str(number), last_sequence=str(number)
            )
            s3.put_object(Bucket=BUCKET, Key=key, Body=_content(number))
        reader = LakeReader(s3, BUCKET, received_by_ms=None)
        objects = reader.objects()

        def rebuild() -> int:
            return sum(1 for _ in profiles_of(reader, logins_of(reader)))

        def read() -> int:
            bodies = (s3.get_object(Bucket=BUCKET, Key=found.key)["Body"].read() for found in objects)
            return sum(len(pq.read_table(io.BytesIO(body), columns=COLUMNS)) for body in bodies)

        medians = cpu_medians_ms({"rebuild": rebuild, "read": read}, rounds=3)
    yield Result(
        "rebuild profiles",
        f"{OBJECTS * ROWS_PER_OBJECT:,} interactions, {SHOPPERS:,} users",
        medians["rebuild"],
        "pyarrow reads the same columns",
        medians["read"],
        units_per_call=OBJECTS * ROWS_PER_OBJECT,
        note="per second: interactions; without writing the profiles",
    )


def _content(number: int) -> bytes:
    """Return a Parquet object of views. Some views have only a session, which other views link to a user."""
    random = np.random.default_rng(number)
    shopper = random.integers(0, SHOPPERS, ROWS_PER_OBJECT)
    rows = np.arange(ROWS_PER_OBJECT) + number * ROWS_PER_OBJECT
    anonymous = random.random(ROWS_PER_OBJECT) < ANONYMOUS_SHARE
    values = {
        "event_id": [f"{row:032x}" for row in rows],
        "user_id": [None if hidden else f"user-{each}" for each, hidden in zip(shopper, anonymous, strict=True)],
        "session_id": [f"session-{each}" for each in shopper],
        "item_id": [f"item-{each}" for each in random.integers(0, 5_000, ROWS_PER_OBJECT)],
        "event_type": ["view"] * ROWS_PER_OBJECT,
        "event_time_ms": rows + 1_700_000_000_000,
        "received_time_ms": rows + 1_700_000_000_000,
    }
    table = pa.table(
        {
            field.name: pa.array(values[field.name], field.type)
            if field.name in values
            else pa.nulls(ROWS_PER_OBJECT, field.type)
            for field in SCHEMA
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression=partitions.COMPRESSION)
    return out.getvalue()
