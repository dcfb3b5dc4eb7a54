"""Graph with the one interface that serving knows: history in, the k best items out.

Inputs: `history` int64 [batch, length] (positions 1..N, oldest first; 0 is padding and may stand anywhere; length
at least 1), `weights` float32 [batch, length], `exclude` int64 [batch, x] (0 = none), `k` int64 [1]; if a
node reads them, `ages` float32 [batch, length], in days, and `feature.NAME` int64 [batch, length], codes. Outputs:
`items` int64 [batch, k] (0 = none left), `scores` float32 [batch, k] (-inf for item 0), best first, lower positions
first among equals. The bias variant adds `bias` float32 [items + 1] (0 = neutral, -inf = not allowed).

A model adds its own nodes between `Graph.history` and the scores; `onnx_answer` adds masks and the top k. The list ends
where the model scores 0: an item that it knows nothing about is no answer, whatever its bias.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from alsolike.bundle.features import FEATURE_INPUT

BLOCK = 64
"""Items a block of the two-level top k: near the square root of items a place, of 20,000 items as of a million."""

FLAT_BELOW = 5_000
"""With fewer items there are no blocks, and nothing is looked for in two stages."""

TWO_LEVELS_FROM = 20_000
"""With fewer columns one flat TopK is faster than two levels where lists have a hundred places."""

OPSET = 18
IR_VERSION = 10


Outputs = Sequence[str]
"""Names of tensors."""


@dataclasses.dataclass(frozen=True, slots=True)
class InnerProducts:
    """Parts of scores that are only inner products.

    Attributes
    ----------
    query
        Tensor name, float32 [batch, d].
    table
        Name of a table of `Graph.tables`, float32 `(width, dimensions)`.
    dimensions
        Length of a vector.
    activation
        Increasing operator that makes them at least 0.
    """

    query: str
    table: str
    dimensions: int
    activation: str


class Graph:
    """The graph under construction.

    Attributes
    ----------
    width
        Columns of the scores: items + 1, rounded up to whole blocks when there are many items.
    history, ages
        Tensor names, int64 and float32 [batch, length]. Serving computes ages and features for graphs that read them
        only.
    tables
        Learned arrays by name; they go to the external data file that both variants share.
    products
        Inner products by the name of their scores; a model that consists of one only may answer in two stages.
    sums
        Names of scores that are 0 wherever no item stands: only what is excluded needs a mask there.
    columns
        Second dimension of tensors [batch, n] for which ONNX Runtime could not tell it; where it knows that shapes are
        equal, it writes into what it read instead of copying all of it.
    """

    history = "history"
    ages = "ages"

    def __init__(self, items: int) -> None:
        self.items = items
        columns = items + 1
        self.width = columns if columns < FLAT_BELOW else math.ceil(columns / BLOCK) * BLOCK
        self.tables: dict[str, npt.NDArray[Any]] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.products: dict[str, InnerProducts] = {}
        self.sums: set[str] = set()
        self.columns: dict[str, int] = {}
        self._decayed: dict[tuple[float, bool], str] = {}
        self._made = 0

    @staticmethod
    def feature(name: str) -> str:
        """Return the codes of `Histories.feature(name)`, int64 [batch, length]."""
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

    def either(
        self, condition: str, then: Callable[[], Outputs], otherwise: Callable[[], Outputs], *, kinds: Sequence[int]
    ) -> list[str]:
        """Return what one of two branches returns: the other is not computed.

        Parameters
        ----------
        condition
            Tensor name, bool [1].
        then, otherwise
            Add a branch's nodes and return the names of its outputs, as many as `kinds`, their element types.
        """
        branches = []
        for make in (then, otherwise):
            start = len(self.nodes)
            outputs = [
                helper.make_tensor_value_info(name, kind, None) for name, kind in zip(make(), kinds, strict=True)
            ]
            branches.append(helper.make_graph(self.nodes[start:], make.__name__, [], outputs))
            del self.nodes[start:]
        return self.ops("If", condition, outputs=len(kinds), then_branch=branches[0], else_branch=branches[1])

    def weight(self, name: str, values: npt.NDArray[Any]) -> str:
        """Add a learned array, kept in the external data file."""
        if name in self.tables:
            raise ValueError(f"the graph already has a table {name!r}; names stand once")
        self.tables[name] = np.ascontiguousarray(values)
        return name

    def item_weight(self, name: str, values: npt.NDArray[np.float32]) -> str:
        """Add one learned number an item, float32 `(items + 1,)`, as a tensor [width]."""
        return self.weight(name, np.pad(values.astype(np.float32), (0, self.width - len(values))))

    def item_vectors(self, name: str, vectors: npt.NDArray[np.float32]) -> str:
        """Add one learned vector an item, float32 `(items + 1, d)`, row 0 zero, as a tensor [width, d].

        The history may be gathered from it and `inner_products` taken with it: it is mapped once.

        Raises
        ------
        ValueError
            If there are more or fewer rows, or padding has a vector that is not 0.
        """
        if len(vectors) != self.items + 1 or vectors[0].any():
            raise ValueError(
                f"{name} has {len(vectors)} rows and padding {vectors[:1].tolist()}, "
                f"expected {self.items + 1} rows and padding 0"
            )
        return self.weight(name, np.pad(vectors.astype(np.float32), ((0, self.width - len(vectors)), (0, 0))))

    def inner_products(self, query: str, table: str, *, activation: str = "Relu") -> str:
        """Return the scores activation(E q) of every item, float32 [batch, width].

        Parameters
        ----------
        query
            Tensor name, float32 [batch, d].
        table
            What `item_vectors` returned.
        activation
            ONNX operator of one input that rises and is at least 0, since scores are: `Relu` for products that are
            above 0 where an item is wanted, `Softplus` for those that only say which of two is wanted more.
        """
        product = InnerProducts(query, table, self.tables[table].shape[1], activation)
        scores = self.scores_of(product)
        self.products[scores] = product
        return scores

    def scores_of(self, product: InnerProducts) -> str:
        """Return the scores that inner products make, float32 [batch, width]."""
        return self.op(product.activation, self.op("Gemm", product.query, product.table, transB=1))

    def integers(self, *values: int) -> str:
        """Return a constant int64 vector."""
        return self.constant(np.array(values, np.int64))

    def whole(self, value: int) -> str:
        """Return a constant int64 scalar."""
        return self.constant(np.array(value, np.int64))

    def number(self, value: float) -> str:
        """Return a constant float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def decayed_weights(self, position_decay: float, *, masked: bool = True) -> str:
        """Return `weights` with positional decay, float32 [batch, length], 0 for padding.

        The number of later interactions is counted without padding, so padding may stand anywhere.

        Parameters
        ----------
        masked
            False to leave any weight at padding, if it is multiplied by 0 anyway.
        """
        key = position_decay, masked
        if key not in self._decayed:
            weights = "weights"
            if position_decay != 1.0:
                later = self.op("CumSum", self.op("Sign", self.history), self.whole(1), exclusive=1, reverse=1)
                weights = self.op("Mul", weights, self.op("Pow", self.number(position_decay), later))
            if masked:
                is_item = self.op("Cast", self.history, to=TensorProto.BOOL)
                weights = self.op("Where", is_item, weights, self.number(0.0))
            self._decayed[key] = weights
        return self._decayed[key]

    def add_by_item(self, items: str, values: str) -> str:
        """Sum values by item: int [batch, ...] and float32 of the same shape to float32 [batch, width].

        Parameters
        ----------
        values
            0 where no item stands.
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
        """Return how many columns can be among the k best: k, or all where they are fewer, int64 [1]."""
        return self.op("Min", "k", self.integers(self.width))

    def batch_size(self) -> str:
        """Return the batch size, int64 [1]."""
        return self.op("Shape", self.history, start=0, end=1)

    def bias(self) -> str:
        """Return the input `bias`, float32 [width]; only the bias variant has it."""
        return self.op("Pad", "bias", self.integers(0, self.width - self.items - 1), self.number(0.0))

    def barred(self, scores: str | None = None) -> str:
        """Return what may not be answered, int64 [batch, n]: excluded items; padding and columns after the last.

        Parameters
        ----------
        scores
            Where they are among `sums`, padding and columns after the last score 0, and are no answer by that.
        """
        if scores in self.sums:
            return "exclude"
        never = self.integers(0, *range(self.items + 1, self.width))
        return self.op("Concat", "exclude", self.for_batch(never), axis=1)

    def for_batch(self, row: str) -> str:
        """Repeat a row [1, n] or [n] for every history: [batch, n]."""
        repeated = self.op("Expand", row, self.op("Concat", self.batch_size(), self.integers(1), axis=0))
        if row in self.tables:
            self.columns[repeated] = self.tables[row].shape[-1]
        return repeated

    def constant(self, values: npt.NDArray[Any]) -> str:
        """Return a constant array; the same one stands once."""
        key = f"constant:{values.dtype}:{values.tolist()}"
        self.constants.setdefault(key, numpy_helper.from_array(values, key))
        return key
