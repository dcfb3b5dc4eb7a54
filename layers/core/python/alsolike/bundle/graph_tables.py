"""Index of the tables in the file `graph.data`, which both graphs of a bundle share."""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.arrays.mapped import UNREADABLE
from alsolike.bundle.files import DATA_FILE, TABLES_FILE
from alsolike.runtime.errors import InvalidBundle

_WIDEST_BYTES = 8


def write_tables_index(directory: Path, tables: Mapping[str, tuple[npt.NDArray[Any], int]]) -> None:
    index = {
        name: {"dtype": array.dtype.newbyteorder("<").str, "shape": array.shape, "offset": offset}
        for name, (array, offset) in tables.items()
    }
    (directory / TABLES_FILE).write_bytes(orjson.dumps(index))


def graph_tables(directory: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        index = orjson.loads((directory / TABLES_FILE).read_bytes())
        with (directory / DATA_FILE).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return {name: _table(data, **entry) for name, entry in index.items()}
    except (*UNREADABLE, AttributeError) as error:
        raise InvalidBundle(f"{TABLES_FILE} does not fit {DATA_FILE}: {error}") from error


def _table(data: mmap.mmap, *, dtype: str, shape: list[int], offset: int) -> npt.NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind not in "biuf" or kind.itemsize > _WIDEST_BYTES or not kind.isnative:
        raise ValueError(f"type {dtype!r} is not a number that ONNX Runtime reads")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"shape {shape!r} has a length that is not a number of elements")
    return np.frombuffer(data, kind, math.prod(shape), offset).reshape(shape)
