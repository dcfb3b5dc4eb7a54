"""Selection of a day's responses: distinct rows that match their recommendation IDs."""

from __future__ import annotations

import functools

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS
from alsolike.lake.arrow import arrow_schema
from alsolike.records.served_response import SERVED_COLUMNS
from functions.attribute_outcomes.recommendation_id_parser import read

ANSWERS = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "recommender", "model_version", "arms", "shopper", "session",
    "source", "degraded", "item_ids",
)  # fmt: skip


def distinct(rows: pa.Table) -> pa.Table:
    """Keep one row per recommendation ID.

    If duplicates differ, the one whose JSON sorts first is kept, so that the result does not depend on the order of
    rows.
    """
    ids = rows["recommendation_id"].to_pandas()
    repeated = ids[ids.duplicated(keep=False)]
    if not len(repeated):
        return rows
    copies = rows.take(pa.array(repeated.index)).to_pylist()
    order = pd.Series([orjson.dumps(copy) for copy in copies], index=repeated.index)
    kept = pd.DataFrame({"id": repeated, "order": order}).sort_values(["id", "order"])
    dropped = kept.index[kept.duplicated("id")]
    return rows.take(pa.array(ids.index.difference(dropped)))


def genuine(rows: pa.Table, day: int) -> pa.Table:
    """Keep the rows of a day (since 1970) that match their recommendation IDs in time, recommender, model and arms."""
    ids = read(rows["recommendation_id"].combine_chunks())
    served_ms = rows["served_ms"].fill_null(-1).to_numpy()
    same = ids.genuine & (ids.answered_ms == served_ms) & (served_ms // DAY_MS == day)
    columns = (rows[name].to_pylist() for name in ("recommender", "model_version", "arms"))
    tags = [_tags(*values[:2], tuple(values[2] or ())) for values in zip(*columns, strict=True)]
    same &= np.frombuffer(b"".join(tags), "V14") == ids.tags()
    return rows.filter(pa.array(same))


@functools.lru_cache(maxsize=1024)
def _tags(recommender: str | None, model_version: str | None, arms: tuple[str | None, ...]) -> bytes:
    """Return the value of `Ids.tags` for a response. For invalid values, return bytes that no ID contains."""
    try:
        example_id = recommendation_id.create(
            answered_ms=0,
            recommender=recommender or "",
            version=model_version or "",
            arms=[arm or "" for arm in arms],
        )
    except (KeyError, ValueError):
        return bytes(14)
    return read(pa.array([example_id])).tags().tobytes()
