"""Imports that stop at a call to AWS, and the state that they leave."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.profiles.profile_table import ProfileStore
from operations.client.deployment import Deployment
from tests.unit.cli.imported import NOW_MS

LATER_MS = NOW_MS + 60_000
DAY_S = 86_400


class Killed(BaseException):
    """Simulated SIGKILL, which no code is expected to catch."""


def write_history(path: Path) -> Path:
    """Write 150 rows of 7 users on 4 days. Every 30th row has no user, so it is invalid."""
    rows = (
        f"{'' if row % 30 == 7 else row % 7},i{row % 11},{1_500_000_000 + (row * 7919) % (3 * DAY_S)}\n"
        for row in range(150)
    )
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(rows))
    return path


def end_state(client: Callable[[str], Any], path: Path) -> tuple[Any, ...]:
    """Return the keys and rows of the lake without the time of receipt, the profiles, and the rejected rows."""
    s3 = client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
    tables = [pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=key)["Body"].read())) for key in keys]
    rows: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    assert rows.pop("received_time_ms").nunique() == 1  # All rows of an import have the same time of receipt.
    store = ProfileStore(client("dynamodb"), "profiles")
    profiles = sorted(store.scan(), key=lambda profile: profile.profile_id)
    rejected = path.with_name("p.csv.rejected.csv").read_text()
    return keys, rows.astype(str).to_numpy().tolist(), profiles, rejected


def stop_at(deployment: Deployment, call: int, error: type[BaseException]) -> None:
    """Let the clients of S3 and DynamoDB raise an error at call number `call`, counted from 0."""
    calls = itertools.count()

    def stop(**_: Any) -> None:
        if next(calls) == call:
            raise error

    for service in ("s3", "dynamodb"):
        deployment.client(service).meta.events.register_first("before-call", stop, unique_id="stop")


def go_on(deployment: Deployment) -> None:
    for service in ("s3", "dynamodb"):
        deployment.client(service).meta.events.unregister("before-call", unique_id="stop")


def empty(deployment: Deployment, path: Path) -> None:
    s3, dynamodb = deployment.client("s3"), deployment.client("dynamodb")
    for bucket in ("lake", "artefacts"):
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
    for item in dynamodb.scan(TableName="profiles")["Items"]:
        dynamodb.delete_item(TableName="profiles", Key={name: item[name] for name in ("profile_id", "sort_key")})
    path.with_name("p.csv.rejected.csv").unlink(missing_ok=True)
