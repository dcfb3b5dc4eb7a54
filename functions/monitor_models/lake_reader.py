"""Reader of the window's days. It reads few columns, and samples users if there are many rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet  # for `read_tables`

from alsolike.lake.lake_objects import LakeObject
from alsolike.lake.tables import read_tables
from alsolike.runtime.client_protocols import S3Client

BATCH_BYTES = 128 * 2**20
MAX_ROWS = 2_000_000
"""Maximum number of kept rows. If there are more, the sampled share of users is halved repeatedly."""


@dataclasses.dataclass(frozen=True, slots=True)
class UserSample:
    """All rows of one in `one_of` users."""

    rows: pa.Table
    one_of: int


def read_sample(
    client: S3Client,
    bucket: str,
    objects: Sequence[LakeObject],
    *,
    schema: pa.Schema,
    user: Callable[[pa.Table], pa.ChunkedArray],
    keep: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> UserSample:
    """Return the rows of objects, or if there are too many, only rows of users with an ID hash that ends in zeros.

    The sample depends on the rows, but not on the order of reading. Rows of agents are skipped, as in training
    data. A column that an object lacks is null. `keep` removes unnecessary rows.
    """
    tables, rows, one_of = [schema.empty_table()], 0, 1
    for table in read_tables(pa, client, bucket, objects, schema=schema, max_bytes=BATCH_BYTES):
        tables.append(_user_sample(keep(table), user, one_of))
        rows += len(tables[-1])
        while rows > MAX_ROWS:
            one_of *= 2
            tables = [_user_sample(table, user, one_of) for table in tables]
            rows = sum(map(len, tables))
    return UserSample(pa.concat_tables(tables), one_of)


def hashes_of(texts: pd.Series[str]) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash per text, equal in all processes."""
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(np.asarray(texts, object), categorize=False)
    return hashes


def _user_sample(rows: pa.Table, user: Callable[[pa.Table], pa.ChunkedArray], one_of: int) -> pa.Table:
    if one_of == 1 or not len(rows):
        return rows
    kept = hashes_of(user(rows).to_pandas()) % np.uint64(one_of) == 0
    return rows.filter(pa.array(kept))
