"""The tables of a bundle's graphs, which lie in one file that both graphs read: where each is, and mapping them."""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.bundle import DATA_FILE, TABLES_FILE
from alsolike.errors import InvalidBundle


def write_tables_index(directory: Path, tables: Mapping[str, tuple[npt.NDArray[Any], int]]) -> None:
    """Write where the tables of the graphs lie in `graph.data`: each array with its offset in bytes."""
    index = {
        name: {"dtype": array.dtype.newbyteorder("<").str, "shape": array.shape, "offset": offset}
        for name, (array, offset) in tables.items()
    }
    (directory / TABLES_FILE).write_bytes(orjson.dumps(index))


def graph_tables(directory: Path) -> dict[str, npt.NDArray[Any]]:
    """Map the tables of a bundle's graphs, by name.

    Raises
    ------
    InvalidBundle
        If their index does not fit the file.
    """
    try:
        index = orjson.loads((directory / TABLES_FILE).read_bytes())
        with (directory / DATA_FILE).open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return {name: _table(data, **entry) for name, entry in index.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InvalidBundle(f"{TABLES_FILE} does not fit {DATA_FILE}: {error}") from error


def _table(data: mmap.mmap, *, dtype: str, shape: list[int], offset: int) -> npt.NDArray[Any]:
    count = math.prod(shape)
    return np.frombuffer(data, np.dtype(dtype), count, offset).reshape(shape)
