"""Reader of the window's days. It reads few columns, and samples users if there are many rows."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.lake.lake import AGENT
from alsolike.lake.lake_objects import LakeObject, batches, read
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidDataset

CONNECTIONS = 8
BATCH_BYTES = 128 * 2**20
MAX_ROWS = 2_000_000
"""Maximum number of rows in memory. Above it, the sampled share of users is halved repeatedly."""


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
    """Return the rows of objects, either all or those of users whose ID hash ends in zeros.

    The sample depends on the rows, but not on the order of reading. A column that an object lacks is null. `keep`
    removes unnecessary rows.
    """
    tables, rows, one_of = [schema.empty_table()], 0, 1
    for table in _tables(client, bucket, objects, schema):
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


def _tables(client: S3Client, bucket: str, objects: Sequence[LakeObject], schema: pa.Schema) -> Iterator[pa.Table]:
    with ThreadPoolExecutor(CONNECTIONS, "lake") as pool:
        for batch in batches(objects, max_bytes=BATCH_BYTES, max_objects=4 * CONNECTIONS):
            contents = pool.map(functools.partial(read, client, bucket), batch)
            for listed, content in zip(batch, contents, strict=True):
                if content is None:
                    continue
                try:
                    yield _projected(pq.ParquetFile(pa.BufferReader(content)), schema)
                except (pa.ArrowException, OSError) as error:
                    raise InvalidDataset(
                        f"s3://{bucket}/{listed.key} is not an object of the table: {error}"
                    ) from error


def _projected(file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    """Return the columns of a file without the rows of agents, which are not in training data either."""
    present = set(file.schema_arrow.names)
    table = file.read(columns=[name for name in (*schema.names, AGENT) if name in present])
    if AGENT in present:
        table = table.filter(pc.is_null(table[AGENT]))
    columns = [table[field.name] if field.name in present else pa.nulls(len(table), field.type) for field in schema]
    return pa.table(columns, names=schema.names).cast(schema)
