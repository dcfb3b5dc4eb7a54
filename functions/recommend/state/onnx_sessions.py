"""Sessions of ONNX Runtime: a bundle's graphs and tables, and a first graph that initialises the library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnxruntime

from alsolike.bundle.graph_tables import graph_tables


def open_tables(directory: Path) -> dict[str, onnxruntime.OrtValue]:
    return {name: onnxruntime.OrtValue.ortvalue_from_numpy(table) for name, table in graph_tables(directory).items()}


def open_session(graph: Path, tables: Mapping[str, onnxruntime.OrtValue]) -> onnxruntime.InferenceSession:
    """Open a graph without prepacking, which would copy the memory-mapped weights.

    The session does not keep references to the tables, so the caller must. The session maps all other weights itself.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "1")
    for name, table in tables.items():
        options.add_initializer(name, table)
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


FIRST_GRAPH = Path(__file__).with_name("first_graph.onnx")
"""Path of a graph that returns its input, one number. Functions cannot build it, because they lack the package `onnx`.
"""


def open_first_session() -> None:
    """Open the first graph at start-up, so that no model waits for the initialisation of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnxruntime.InferenceSession(str(FIRST_GRAPH), options, providers=["CPUExecutionProvider"])
