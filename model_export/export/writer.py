"""Writing, opening and running of the two ONNX graphs of a model, which share a file of external data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from alsolike.bundle.features import FEATURE_INPUT
from alsolike.bundle.files import BIAS_GRAPH_FILE, DATA_FILE, GRAPH_FILE
from alsolike.bundle.graph_tables import write_tables_index
from model_export.api import Model
from model_export.data.interactions import Floats, Histories, Ints
from model_export.graph.contract import Graph
from model_export.graph.top_k import finish

PAGE_BYTES = 4096
"""Size of a memory page. Tables are aligned to pages, so that ONNX Runtime maps them without copies."""


def write_graphs(model: Model, directory: Path) -> None:
    """Write `graph.onnx`, `graph.bias.onnx`, and their shared tables `graph.data` with an index."""
    graph = Graph(model.items)
    scores = model.export(graph)
    tables = _write_tables(graph, directory / DATA_FILE)
    for file_name, with_bias in ((GRAPH_FILE, False), (BIAS_GRAPH_FILE, True)):
        proto = finish(graph, scores, with_bias=with_bias)
        proto.graph.initializer.extend(tables)
        (directory / file_name).write_bytes(proto.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(directory / file_name))


def features_of(graph: Path) -> list[str]:
    inputs = onnx.load(str(graph), load_external_data=False).graph.input
    return [entry.name.removeprefix(FEATURE_INPUT) for entry in inputs if entry.name.startswith(FEATURE_INPUT)]


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph with the options of serving: one thread, and no prepacking, so that tables stay memory-mapped."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.disable_prepacking", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def recommend(
    session: onnxruntime.InferenceSession,
    histories: Histories,
    *,
    exclude: Ints,
    k: int,
    bias: Floats | None = None,
) -> tuple[Ints, Floats]:
    """Run a graph.

    Parameters
    ----------
    exclude
        Positions of excluded items, padded with 0, int64 `(batch, x)`.
    bias
        Bias by item, float32 `(items + 1,)`, only for the graph with bias.

    Returns
    -------
    items, scores : numpy.ndarray
        Positions, int64 `(batch, k)`, padded with 0, and scores, float32 `(batch, k)`.
    """
    inputs = {
        "history": histories.items,
        "weights": histories.weights,
        "exclude": exclude,
        "k": np.array([k], np.int64),
    }
    if bias is not None:
        inputs["bias"] = bias
    for name in (declared.name for declared in session.get_inputs()):
        if name == "ages":
            inputs[name] = histories.ages
        elif name.startswith(FEATURE_INPUT):
            inputs[name] = histories.feature(name.removeprefix(FEATURE_INPUT))
    items, scores = session.run(["items", "scores"], inputs)
    return items, scores


def _write_tables(graph: Graph, path: Path) -> list[onnx.TensorProto]:
    tensors = []
    index = {}
    with path.open("wb") as file:
        for name, values in graph.tables.items():
            file.write(b"\0" * (-file.tell() % PAGE_BYTES))
            tensor = onnx.TensorProto(
                name=name,
                data_type=helper.np_dtype_to_tensor_dtype(values.dtype),
                dims=values.shape,
                data_location=TensorProto.EXTERNAL,
            )
            little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            for key, value in (("location", path.name), ("offset", file.tell()), ("length", len(little_endian))):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)
            index[name] = (values, file.tell())
            file.write(little_endian)
            tensors.append(tensor)
    write_tables_index(path.parent, index)
    return tensors
