"""Builds the one graph that serving knows: history in, the k best items out.

Inputs: `history` int64 [batch, length] (positions 1..N, oldest first; 0 is padding and may stand anywhere; length
at least 1), `weights` float32 [batch, length], `exclude` int64 [batch, x] (0 = none), `k` int64 [1]. Outputs: `items`
int64 [batch, k] (0 = none left), `scores` float32 [batch, k] (-inf beside 0), best first, lower positions first among
equals. The bias variant adds `bias` float32 [items + 1] (0 = neutral, -inf = not allowed).

A model adds its own nodes between `Graph.history` and the scores; masks and the exact top k are added here. The list
ends where the model scores 0: an item that it knows nothing about is no answer, whatever its bias.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 256
"""Items a block of the two-level top k."""

FLAT_BELOW = 5_000
"""With fewer items one flat TopK is faster than two levels."""

OPSET = 18
IR_VERSION = 10


class Graph:
    """The graph under construction.

    Attributes
    ----------
    width
        Columns of the scores: items + 1, rounded up to whole blocks when there are many items.
    history
        Tensor name, int64 [batch, length].
    tables
        Learned arrays by name; they go to the external data file that both variants share.
    """

    history = "history"

    def __init__(self, items: int) -> None:
        self.items = items
        columns = items + 1
        self.width = columns if columns < FLAT_BELOW else math.ceil(columns / BLOCK) * BLOCK
        self.tables: dict[str, npt.NDArray[Any]] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._decayed: dict[float, str] = {}

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.ops(operator, *inputs, outputs=1, **attributes)[0]

    def ops(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node and return the names of its outputs."""
        name = f"{operator}_{len(self.nodes)}"
        names = [f"{name}:{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names

    def weight(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a learned array, kept in the external data file."""
        if name in self.tables:
            raise ValueError(f"the graph already has a table {name!r}; names stand once")
        self.tables[name] = np.ascontiguousarray(values)
        return name

    def item_weight(self, name: str, values: npt.NDArray[np.float32]) -> str:
        """Add one learned number an item, float32 `(items + 1,)`, as a tensor [width]."""
        return self.weight(name, np.pad(values.astype(np.float32), (0, self.width - len(values))))

    def integers(self, *values: int) -> str:
        """Return a constant int64 vector."""
        return self._constant(np.array(values, np.int64))

    def whole(self, value: int) -> str:
        """Return a constant int64 scalar."""
        return self._constant(np.array(value, np.int64))

    def number(self, value: float) -> str:
        """Return a constant float32 scalar."""
        return self._constant(np.array(value, np.float32))

    def decayed_weights(self, position_decay: float) -> str:
        """Return `weights` with positional decay, float32 [batch, length], 0 beside padding.

        The number of later interactions is counted without padding, so padding may stand anywhere.
        """
        if position_decay not in self._decayed:
            is_item = self.op("Not", self.op("Equal", self.history, self.integers(0)))
            valid = self.op("Cast", is_item, to=TensorProto.FLOAT)
            weights = self.op("Where", is_item, "weights", self.number(0.0))
            if position_decay != 1.0:
                later = self.op("CumSum", valid, self.whole(1), exclusive=1, reverse=1)
                weights = self.op("Mul", weights, self.op("Pow", self.number(position_decay), later))
            self._decayed[position_decay] = weights
        return self._decayed[position_decay]

    def add_by_item(self, items: str, values: str) -> str:
        """Sum values by item: int [batch, ...] and float32 of the same shape to float32 [batch, width]."""
        rows = self.integers(0, -1)
        zeros = self.op(
            "ConstantOfShape",
            self.op("Concat", self.batch_size(), self.integers(self.width), axis=0),
            value=numpy_helper.from_array(np.zeros(1, np.float32)),
        )
        items, values = self.op("Reshape", items, rows), self.op("Reshape", values, rows)
        return self.op("ScatterElements", zeros, items, values, axis=1, reduction="add")

    def batch_size(self) -> str:
        """Return the batch size, int64 [1]."""
        return self.op("Slice", self.op("Shape", self.history), self.integers(0), self.integers(1))

    def for_batch(self, row: str) -> str:
        """Repeat a row [1, n] or [n] for every history: [batch, n]."""
        return self.op("Expand", row, self.op("Concat", self.batch_size(), self.integers(1), axis=0))

    def _constant(self, values: npt.NDArray[Any]) -> str:
        key = f"constant:{values.dtype}:{values.tolist()}"
        self.constants.setdefault(key, numpy_helper.from_array(values, key))
        return key


def finish(graph: Graph, scores: str, *, with_bias: bool) -> onnx.ModelProto:
    """Return the model: `scores`, masked, and the exact k best; tables are left out for the external file."""
    start = len(graph.nodes)
    try:
        if with_bias:
            scores = _biased(graph, scores)
        best, items = _best(graph, _masked(graph, scores))
        # With a bias, scores may be negative; what the model scores 0 is -inf already.
        answers = graph.op("Greater", best, graph.number(-math.inf if with_bias else 0.0))
        nodes = [
            *graph.nodes,
            helper.make_node("Where", [answers, best, graph.number(-math.inf)], ["scores"], name="scores"),
            helper.make_node("Where", [answers, items, graph.integers(0)], ["items"], name="items"),
        ]
    finally:
        del graph.nodes[start:]
    return _model(graph, nodes, with_bias=with_bias)


def _model(graph: Graph, nodes: list[onnx.NodeProto], *, with_bias: bool) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info("history", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["batch", "length"]),
        helper.make_tensor_value_info("exclude", TensorProto.INT64, ["batch", "excluded"]),
        helper.make_tensor_value_info("k", TensorProto.INT64, [1]),
    ]
    if with_bias:
        inputs.append(helper.make_tensor_value_info("bias", TensorProto.FLOAT, [graph.items + 1]))
    outputs = [
        helper.make_tensor_value_info("items", TensorProto.INT64, ["batch", "best"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", "best"]),
    ]
    onnx_graph = helper.make_graph(nodes, "recommend", inputs, outputs, list(graph.constants.values()))
    return helper.make_model(
        onnx_graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="alsolike",
    )


def _biased(graph: Graph, scores: str) -> str:
    """Add the bias to what the model scores above 0; the rest becomes -inf."""
    tail = graph.integers(0, graph.width - graph.items - 1)
    bias = graph.op("Pad", "bias", tail, graph.number(0.0))
    known = graph.op("Greater", scores, graph.number(0.0))
    return graph.op("Where", known, graph.op("Add", scores, bias), graph.number(-math.inf))


def _masked(graph: Graph, scores: str) -> str:
    """Set padding, excluded items and the columns after the last item to -inf."""
    never = [0, *range(graph.items + 1, graph.width)]
    columns = graph.op("Concat", "exclude", graph.for_batch(graph.integers(*never)), axis=1)
    ninf = graph.op("Expand", graph.number(-math.inf), graph.op("Shape", columns))
    return graph.op("ScatterElements", scores, columns, ninf, axis=1)


def _best(graph: Graph, scores: str) -> tuple[str, str]:
    """Return the scores and items of the k best, filled up with -inf and 0 when k is above the items."""
    if graph.width < FLAT_BELOW:
        count = graph.op("Min", "k", graph.integers(graph.width))
        best, items = graph.ops("TopK", scores, count, outputs=2, axis=1, sorted=1)
    else:
        best, items, count = _two_level_best(graph, scores)
    missing = graph.op("Concat", graph.integers(0, 0, 0), graph.op("Sub", "k", count), axis=0)
    best = graph.op("Pad", best, missing, graph.number(-math.inf))
    items = graph.op("Pad", items, missing, graph.whole(0))
    return best, items


def _two_level_best(graph: Graph, scores: str) -> tuple[str, str, str]:
    """The k best items lie in the k blocks with the best maxima: exact, also in the order of equal scores.

    The chosen blocks are put in ascending order, so that among equals the lower position comes first.
    """
    blocks = graph.width // BLOCK
    blocked = graph.op("Reshape", scores, graph.integers(0, blocks, BLOCK))
    maxima = graph.op("ReduceMax", blocked, graph.integers(2), keepdims=0)
    block_count = graph.op("Min", "k", graph.integers(blocks))
    _, chosen = graph.ops("TopK", maxima, block_count, outputs=2, axis=1, sorted=1)
    chosen, _ = graph.ops("TopK", chosen, block_count, outputs=2, axis=1, sorted=1, largest=0)
    candidates = graph.op("GatherND", blocked, graph.op("Unsqueeze", chosen, graph.integers(2)), batch_dims=1)
    candidates = graph.op("Reshape", candidates, graph.integers(0, -1))
    count = graph.op("Min", "k", graph.op("Mul", block_count, graph.integers(BLOCK)))
    best, place = graph.ops("TopK", candidates, count, outputs=2, axis=1, sorted=1)
    block = graph.op("Div", place, graph.integers(BLOCK))
    within = graph.op("Sub", place, graph.op("Mul", block, graph.integers(BLOCK)))
    first = graph.op("Mul", graph.op("GatherElements", chosen, block, axis=1), graph.integers(BLOCK))
    return best, graph.op("Add", first, within), count
