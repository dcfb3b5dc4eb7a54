"""Builder of ONNX graphs with the interface of serving: from a history to the k best items.

Inputs:

- `history` int64 [batch, length], length at least 1: positions 1..N, oldest first, and 0 at any index as padding
- `weights` float32 [batch, length]
- `exclude` int64 [batch, x]: excluded positions, padded with 0
- `k` int64 [1]
- `ages` float32 [batch, length] in days, and codes `feature.NAME` int64 [batch, length], if a node reads them
- `bias` float32 [items + 1], only in the graph with bias: 0 is neutral, -inf excludes the item

Outputs, best first, lower positions first among equal scores:

- `items` int64 [batch, k], padded with 0
- `scores` float32 [batch, k], -inf for padding

A model adds nodes from `Graph.history` to the scores. `model_export.graph.top_k` adds masks and the top k. Items with
score 0 are in no list, whatever the bias.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from alsolike.bundle.features import FEATURE_INPUT

BLOCK = 64
"""Number of items per block of the two-level top k. It suits 20,000 to 1,000,000 items."""

TWO_LEVELS_FROM = 20_000
"""Minimum number of columns for blocks. With fewer columns, one TopK is faster for lists of 100 items."""

OPSET = 18
IR_VERSION = 10


class Graph:
    """A graph under construction.

    Attributes
    ----------
    width
        Number of columns of the scores: items + 1, rounded up to complete blocks if there are many items.
    history, ages
        Tensor names, int64 and float32 [batch, length]. Serving computes ages and features only for graphs that read
        them.
    tables
        Learned arrays by name. They are stored in the external data file that both graphs share.
    sums
        Names of scores that are 0 for padding and for columns after the last item, so that these columns need no mask.
    columns
        Second dimension n of tensors [batch, n], if ONNX Runtime cannot infer n. If ONNX Runtime knows that shapes are
        equal, it overwrites inputs instead of copying them.
    """

    history = "history"
    ages = "ages"

    def __init__(self, items: int) -> None:
        self.items = items
        columns = items + 1
        self.width = columns if columns < TWO_LEVELS_FROM else math.ceil(columns / BLOCK) * BLOCK
        self.tables: dict[str, npt.NDArray[Any]] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.sums: set[str] = set()
        self.columns: dict[str, int] = {}
        self._decayed: dict[tuple[float, bool], str] = {}
        self._made = 0

    @staticmethod
    def feature(name: str) -> str:
        """Return the tensor name of the codes of `Histories.feature(name)`, int64 [batch, length]."""
        return f"{FEATURE_INPUT}{name}"

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.ops(operator, *inputs, outputs=1, **attributes)[0]

    def ops(self, operator: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add a node and return the names of its outputs."""
        name = f"{operator}_{self._made}"
        self._made += 1
        names = [f"{name}:{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names

    def weight(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a learned array to the external data file, and return its tensor name."""
        if name in self.tables:
            raise ValueError(f"the graph already has a table {name!r}; names must be unique")
        self.tables[name] = np.ascontiguousarray(values)
        return name

    def item_weight(self, name: str, values: npt.NDArray[np.float32]) -> str:
        """Add one learned number or vector per item, float32 `(items + 1, ...)`, as a tensor [width, ...]."""
        missing = self.width - len(values)
        return self.weight(name, np.pad(values.astype(np.float32), [(0, missing), *[(0, 0)] * (values.ndim - 1)]))

    def integers(self, *values: int) -> str:
        """Return the tensor name of a constant int64 vector."""
        return self.constant(np.array(values, np.int64))

    def integer(self, value: int) -> str:
        """Return the tensor name of a constant int64 scalar."""
        return self.constant(np.array(value, np.int64))

    def number(self, value: float) -> str:
        """Return the tensor name of a constant float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def decayed_weights(self, position_decay: float, *, masked: bool = True) -> str:
        """Return `weights` with positional decay, float32 [batch, length]. The weight of padding is 0.

        Padding does not count as a later interaction and can be at any index.

        Parameters
        ----------
        masked
            False to keep the arbitrary weights of padding, for models that multiply them by 0.
        """
        key = position_decay, masked
        if key not in self._decayed:
            weights = "weights"
            if position_decay != 1.0:
                later = self.op("CumSum", self.op("Sign", self.history), self.integer(1), exclusive=1, reverse=1)
                weights = self.op("Mul", weights, self.op("Pow", self.number(position_decay), later))
            if masked:
                is_item = self.op("Cast", self.history, to=TensorProto.BOOL)
                weights = self.op("Where", is_item, weights, self.number(0.0))
            self._decayed[key] = weights
        return self._decayed[key]

    def add_by_item(self, items: str, values: str) -> str:
        """Sum values by item and return the sums, float32 [batch, width].

        Parameters
        ----------
        values
            Tensor name of the values, which are 0 for padding.
        """
        rows = self.integers(0, -1)
        zeros = self.op(
            "ConstantOfShape",
            self.op("Concat", self.batch_size(), self.integers(self.width), axis=0),
            value=numpy_helper.from_array(np.zeros(1, np.float32)),
        )
        self.columns[zeros] = self.width
        items, values = self.op("Reshape", items, rows), self.op("Reshape", values, rows)
        added = self.op("ScatterElements", zeros, items, values, axis=1, reduction="add")
        self.sums.add(added)
        return added

    def count(self) -> str:
        """Return the smaller of k and the number of columns, int64 [1]."""
        return self.op("Min", "k", self.integers(self.width))

    def batch_size(self) -> str:
        """Return the batch size, int64 [1]."""
        return self.op("Shape", self.history, start=0, end=1)

    def bias(self) -> str:
        """Return the input `bias` padded to [width], float32. Only the graph with bias has this input."""
        return self.op("Pad", "bias", self.integers(0, self.width - self.items - 1), self.number(0.0))

    def barred(self, scores: str | None = None) -> str:
        """Return the columns to mask, int64 [batch, n]: excluded items, padding, and columns after the last item.

        Parameters
        ----------
        scores
            Tensor name of the scores. If it is in `sums`, only excluded items are returned, because padding and columns
            after the last item score 0.
        """
        if scores in self.sums:
            return "exclude"
        never = self.integers(0, *range(self.items + 1, self.width))
        return self.op("Concat", "exclude", self.for_batch(never), axis=1)

    def for_batch(self, row: str) -> str:
        """Repeat a row [1, n] or [n] for every history, to [batch, n]."""
        repeated = self.op("Expand", row, self.op("Concat", self.batch_size(), self.integers(1), axis=0))
        if row in self.tables:
            self.columns[repeated] = self.tables[row].shape[-1]
        return repeated

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Return the tensor name of a constant array. Equal arrays share one constant."""
        key = f"constant:{values.dtype}:{values.tolist()}"
        self.constants.setdefault(key, numpy_helper.from_array(values, key))
        return key
