"""Scoring graphs of other trainers, built with onnx, and their folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import orjson
from onnx import TensorProto, helper, numpy_helper

TRAINED_UNTIL = "2026-03-01T00:00:00+00:00"


def scoring_graph(
    items: int,
    *,
    length: int | str = "length",
    batch: int | str = "batch",
    columns: int | str | None = None,
    opset: int = 17,
    history: int = TensorProto.INT64,
    names: tuple[str, str] = ("history", "scores"),
    last: Callable[[str], Sequence[onnx.NodeProto]] | None = None,
    seed: int = 0,
    vectors: np.ndarray[Any, Any] | None = None,
) -> onnx.ModelProto:
    """Return a graph whose scores are inner products of item vectors with the sum of the history's vectors.

    Parameters
    ----------
    length, batch, columns
        Declared dimensions.
    names
        Names of the input and of the output.
    vectors
        Item vectors, float32 `(items, d)`. Default: random.
    last
        Function of the sums' tensor name, which returns nodes that end in the tensor `changed`, float32 [batch, d].
    """
    if vectors is None:
        vectors = np.abs(np.random.default_rng(seed).normal(size=(items, 8))).astype(np.float32)
    table = np.vstack([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    changing = [helper.make_node("Identity", ["sums"], ["changed"])] if last is None else last("sums")
    nodes = [
        helper.make_node("Gather", ["vectors", names[0]], ["gathered"]),
        helper.make_node("ReduceSum", ["gathered", "one"], ["sums"], keepdims=0),
        *changing,
        helper.make_node("Transpose", ["vectors"], ["columns"], perm=[1, 0]),
        helper.make_node("MatMul", ["changed", "columns"], [names[1]]),
    ]
    graph = helper.make_graph(
        nodes,
        "score",
        [helper.make_tensor_value_info(names[0], history, [batch, length])],
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, [batch, columns or items + 1])],
        [numpy_helper.from_array(table, "vectors"), numpy_helper.from_array(np.array([1]), "one")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def expected_scores(proto: onnx.ModelProto, history: Sequence[int]) -> np.ndarray[Any, Any]:
    """Return the scores of a graph of `scoring_graph` for a history of positions, float32 `(items + 1,)`."""
    vectors = numpy_helper.to_array(proto.graph.initializer[0])
    return np.asarray(vectors[list(history)].sum(axis=0) @ vectors.T)


def write_folder(directory: Path, proto: onnx.ModelProto, item_ids: Sequence[str], **fields: Any) -> Path:
    """Write a graph and its `model.json`. `fields` replace or extend the fields of `model.json`."""
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(directory / "graph.onnx"))
    document = {
        "format": 1,
        "name": "inner products",
        "items": list(item_ids),
        "trained_until": TRAINED_UNTIL,
        **fields,
    }
    (directory / "model.json").write_bytes(orjson.dumps(document))
    return directory
