"""Imported interactions, and the resulting rows in the lake."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from operations.client.deployment import Deployment
from operations.ingest.load import import_interactions
from operations.ingest.summary import ImportSummary

NOW_MS = 1_700_000_000_000


def load(deployment: Deployment, *paths: Path, event_type: str = "view") -> ImportSummary:
    return import_interactions(paths, deployment, default_event_type=event_type, now_ms=NOW_MS)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def lake_objects(deployment: Deployment) -> dict[str, bytes]:
    s3 = deployment.client("s3")
    listed = s3.list_objects_v2(Bucket="lake").get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket="lake", Key=entry["Key"])["Body"].read() for entry in listed}


def lake_rows(deployment: Deployment) -> pd.DataFrame:
    tables = [pq.read_table(io.BytesIO(data)) for data in lake_objects(deployment).values()]
    rows: pd.DataFrame = (
        pa.concat_tables(tables).to_pandas().sort_values(["event_time_ms", "event_id"]).reset_index(drop=True)
    )
    return rows


GOOD = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n1,a,1500000000,Purchase,2.5\n1,b,1500086400,AddToCart,\n"
