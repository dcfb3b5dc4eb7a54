"""The answers of a day: each once, and those alone that are what their ids say."""

from __future__ import annotations

import orjson
import pandas as pd
import pyarrow as pa

from alsolike import recommendation_id
from alsolike.errors import InvalidInput
from functions.attribute_outcomes.rules import DAY_MS

_TEXT = pa.string()
ANSWERS = pa.schema(
    [
        ("recommendation_id", _TEXT),
        ("served_ms", pa.int64()),
        ("recommender", _TEXT),
        ("model_version", _TEXT),
        ("arms", pa.list_(_TEXT)),
        ("shopper", _TEXT),
        ("session", _TEXT),
        ("source", _TEXT),
        ("degraded", pa.list_(_TEXT)),
        ("item_ids", pa.list_(_TEXT)),
    ]
)
"""What is read of a row of `served`."""


def once(rows: pa.Table) -> pa.Table:
    """Keep one row an id: of copies that differ the first one by their values, whatever order they come in."""
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
    """Keep the rows of a day (since 1970) whose id says the same: time, recommender, model version and arms."""
    columns = ("recommendation_id", "served_ms", "recommender", "model_version", "arms")
    values = zip(*(rows[name].to_pylist() for name in columns), strict=True)
    return rows.filter(pa.array([_is_genuine(day, *each) for each in values], pa.bool_()))


def _is_genuine(
    day: int,
    answer_id: str | None,
    served_ms: int | None,
    recommender: str | None,
    model_version: str | None,
    arms: list[str | None] | None,
) -> bool:
    try:
        said = recommendation_id.parse(answer_id or "")
    except InvalidInput:
        return False
    return (
        said.answered_ms == served_ms
        and served_ms // DAY_MS == day
        and said.recommender == recommender
        and said.version_tag == recommendation_id.version_tag(model_version or "")
        and said.arm_tags == tuple(recommendation_id.arm_tag(arm or "") for arm in arms or ())
    )
