"""Rows of the lake's Parquet objects."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow.parquet as pq


def read_rows(body: bytes, *, values: Mapping[str, Sequence[str]], columns: Sequence[str]) -> pd.DataFrame | None:
    """See `alsolike.profiles.user_data.ReadRows`."""
    table = pq.read_table(io.BytesIO(body), filters=[[(name, "in", list(wanted))] for name, wanted in values.items()])
    if not table.num_rows:
        return None
    rows: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return rows.reindex(columns=list(columns))


def concatenate(frames: Sequence[pd.DataFrame], *, columns: Sequence[str]) -> pd.DataFrame:
    """See `alsolike.profiles.user_data.Concatenate`."""
    if not frames:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(frames, ignore_index=True)
