"""Scores of the champion's responses."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.lake import served
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.lake_objects import LakeObject, list_objects
from alsolike.lake.partitions import event_date
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from functions.monitor_models.lake_reader import read_sample

RECOMMENDER, SOURCE = "for-you", "model"
SCHEMA = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "recommender", "model_version", "shopper", "source", "rules",
    "filter", "top_score",
)  # fmt: skip


def read_scores(client: S3Client, bucket: str, *, version: str, from_ms: int) -> pd.Series[float]:
    """Return the best score in each sampled user's latest response of `for-you` that the champion ranked.

    Responses with rules or filters are skipped, because their best item may not be the model's best.
    """
    first = event_date(from_ms)
    listed = [stored for stored in list_objects(client, bucket, prefix=SERVED_PREFIX) if stored.date >= first]
    rows = _rows(client, bucket, listed, version=version, from_ms=from_ms)
    latest = rows.sort_values(["served_ms", "recommendation_id"]).drop_duplicates("shopper", keep="last")
    return latest["top_score"]


def _rows(client: S3Client, bucket: str, objects: Sequence[LakeObject], *, version: str, from_ms: int) -> pd.DataFrame:
    def keep(rows: pa.Table) -> pa.Table:
        condition = (
            (pc.field("recommender") == RECOMMENDER)
            & (pc.field("source") == SOURCE)
            & (pc.field("model_version") == version)
            & (pc.field("served_ms") > from_ms)
            & pc.field("rules").is_null()
            & pc.field("filter").is_null()
            & pc.field("shopper").is_valid()
            & (pc.field("shopper") != served.UNKNOWN)
            & pc.field("top_score").is_valid()
        )
        return rows.filter(condition)

    sample = read_sample(client, bucket, objects, schema=SCHEMA, user=lambda rows: rows["shopper"], keep=keep)
    answers: pd.DataFrame = sample.rows.to_pandas(types_mapper=pd.ArrowDtype)
    return answers
