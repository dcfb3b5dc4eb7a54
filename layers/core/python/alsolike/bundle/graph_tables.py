"""Tables in the file `graph.data`, which both graphs of a bundle share, and sessions of the graphs.

Callers pass the module `onnxruntime`, because the core layer does not contain it.
"""

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


def open_tables(onnxruntime: Any, directory: Path) -> dict[str, Any]:
    """Return the tables for `open_session`. A bundle of an earlier release has none."""
    if not (directory / TABLES_FILE).is_file():
        return {}
    return {name: onnxruntime.OrtValue.ortvalue_from_numpy(table) for name, table in graph_tables(directory).items()}


def open_session(onnxruntime: Any, graph: Path, tables: Mapping[str, Any]) -> Any:
    """Open a graph without prepacking, which would copy the memory-mapped weights.

    The caller must keep references to the tables as long as the session, which keeps none. The session itself maps all
    other weights.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "1")
    for name, table in tables.items():
        options.add_initializer(name, table)
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _table(data: mmap.mmap, *, dtype: str, shape: list[int], offset: int) -> npt.NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind not in "biuf" or kind.itemsize > _WIDEST_BYTES or not kind.isnative:
        raise ValueError(f"type {dtype!r} is not a number that ONNX Runtime reads")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"shape {shape!r} has a length that is not a number of elements")
    return np.frombuffer(data, kind, math.prod(shape), offset).reshape(shape)
