"""Parquet file of recommendations, one row per item."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from alsolike.lake import partitions
from alsolike.recommendations import batch_table
from alsolike.runtime.errors import InvalidInput, Unavailable

SCHEMA = pa.schema(
    [pa.field(name, pa.type_for_alias(kind), nullable=False) for name, kind in batch_table.COLUMNS.items()]
)
ROW_GROUP_ROWS = 100_000


class RecommendationFile:
    """Writer of a Parquet file of recommendations.

    The context manager replaces an existing file only if it exits without an error.
    """

    def __init__(self, path: Path, *, recommender: str) -> None:
        if path.exists() and not path.is_file():
            raise InvalidInput(f"{path} exists and is not a regular file, expected the path of a file")
        path = path.resolve()  # Replace the target of a symbolic link, not the link.
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._recommender = recommender
        self._rows: list[list[Any]] = [[] for _ in SCHEMA]
        try:
            self._writer = pq.ParquetWriter(self._partial, SCHEMA, compression=partitions.COMPRESSION)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._rows[0]:
                self._flush()
            self._writer.close()
            if kind is None:
                self._partial.replace(self._path)
        except OSError as failure:
            raise Unavailable(f"{self._path} cannot be written: {failure}") from failure
        finally:
            self._partial.unlink(missing_ok=True)

    def add(self, result: Mapping[str, Any]) -> int:
        columns = batch_table.columns_of(result, recommender=self._recommender)
        for rows, values in zip(self._rows, columns, strict=True):
            rows.extend(values)
        if len(self._rows[0]) >= ROW_GROUP_ROWS:
            self._flush()
        return len(columns[0])

    def _flush(self) -> None:
        table = pa.table([pa.array(rows, field.type) for rows, field in zip(self._rows, SCHEMA, strict=True)], SCHEMA)
        try:
            self._writer.write_table(table, row_group_size=len(table))
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error
        self._rows = [[] for _ in SCHEMA]
