"""Scoring graph of another trainer: its interface, its runs, and its nodes as part of a served graph.

The graph computes `scores` float32 [batch, N + 1] from `history` int64 [batch, length], and optionally from `weights`
and `ages`, float32 [batch, length]. A history contains positions 1..N at the right end, oldest first, after zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, compose, helper, inliner, numpy_helper, version_converter

from alsolike.runtime.errors import InvalidBundle
from model_export.data.interactions import Floats, Ints
from model_export.graph.contract import OPSET, Graph

HISTORY, SCORES = "history", "scores"
_TYPES = {HISTORY: TensorProto.INT64, **dict.fromkeys(("weights", "ages", SCORES), TensorProto.FLOAT)}
_PREFIX = "imported."
_SMALL_BYTES = 1_024
"""Maximum size of an array that stays in the graph, because ONNX Runtime infers shapes from small constants."""

_END = np.iinfo(np.int64).max


class ScoringGraph:
    """Opened and checked graph. `length` is the fixed length of a history, or None for any length."""

    def __init__(self, path: str, *, items: int) -> None:
        """Raise `InvalidBundle` if the graph cannot be opened, or has another interface."""
        self._path = path
        try:
            self._proto = onnx.load(path)
            onnx.checker.check_model(path)
        except Exception as error:  # errors of ONNX have no common base class
            raise InvalidBundle(f"{path} is not a valid ONNX model: {error}") from error
        self._check_opset()
        self.inputs, self.length = self._check_inputs()
        self._check_output(items)
        self._items = items
        try:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # errors of ONNX Runtime have no common base class
            raise InvalidBundle(f"{path} cannot be opened by ONNX Runtime: {error}") from error

    def run(self, history: Ints, weights: Floats, ages: Floats) -> Floats:
        """Return the scores, float32 `(batch, N + 1)`, of histories with zeros at the left end."""
        feed: dict[str, npt.NDArray[Any]] = {HISTORY: history, "weights": weights, "ages": ages}
        if self.length is not None:
            feed = {name: _last(values, self.length) for name, values in feed.items()}
        try:
            (scores,) = self._session.run([SCORES], {name: feed[name] for name in self.inputs})
        except Exception as error:  # errors of ONNX Runtime have no common base class
            raise InvalidBundle(f"{self._path} does not run for a history {feed[HISTORY].shape}: {error}") from error
        if scores.shape != (expected := (len(history), self._items + 1)):
            raise InvalidBundle(
                f"{self._path} returns scores {scores.shape}, expected {expected}: a column per item, after column 0"
            )
        found: Floats = scores
        return found

    def add_to(self, graph: Graph, *, history: str, weights: str, ages: str) -> str:
        """Add the nodes to a served graph. Return the tensor name of the scores, float32 [batch, N + 1]."""
        proto = inliner.inline_local_functions(self._proto)
        if self._opset < OPSET:
            proto = version_converter.convert_version(proto, OPSET)
        proto = compose.add_prefix(proto, _PREFIX)
        for tensor in proto.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.nbytes <= _SMALL_BYTES:
                graph.constants[tensor.name] = tensor
            else:
                graph.weight(tensor.name, values)
        for name, source in ((HISTORY, history), ("weights", weights), ("ages", ages)):
            if name in self.inputs:
                fixed = source if self.length is None else _padded(graph, source, self.length, _TYPES[name])
                graph.nodes.append(helper.make_node("Identity", [fixed], [f"{_PREFIX}{name}"]))
        graph.nodes.extend(proto.graph.node)
        return f"{_PREFIX}{SCORES}"

    def _check_opset(self) -> None:
        opsets = {entry.domain or "ai.onnx": entry.version for entry in self._proto.opset_import}
        local = {function.domain for function in self._proto.functions}
        foreign = sorted({node.domain for node in self._proto.graph.node} - {"", "ai.onnx"} - local)
        if foreign:
            raise InvalidBundle(
                f"{self._path} has operators of {', '.join(foreign)}, expected only those of ONNX: export them as such"
            )
        self._opset = opsets.get("ai.onnx", 0)
        if not 1 <= self._opset <= OPSET:
            raise InvalidBundle(
                f"{self._path} has opset {self._opset}, expected at most {OPSET}: export it with opset_version={OPSET}"
            )
        if self._proto.graph.sparse_initializer:
            raise InvalidBundle(f"{self._path} has sparse initializers, expected dense ones")

    def _check_inputs(self) -> tuple[Sequence[str], int | None]:
        constants = {tensor.name for tensor in self._proto.graph.initializer}
        inputs = {value.name: value for value in self._proto.graph.input if value.name not in constants}
        if HISTORY not in inputs or inputs.keys() - _TYPES.keys():
            raise InvalidBundle(
                f"{self._path} has the inputs {', '.join(inputs) or 'none'}, expected {HISTORY} and, if it reads them, "
                "weights and ages"
            )
        lengths = {self._columns(value, "length") for value in inputs.values()}
        if len(lengths) > 1:
            raise InvalidBundle(f"{self._path} has inputs of the lengths {lengths}, expected one length")
        return tuple(inputs), lengths.pop()

    def _check_output(self, items: int) -> None:
        outputs = {value.name: value for value in self._proto.graph.output}
        if SCORES not in outputs:
            raise InvalidBundle(f"{self._path} has the outputs {', '.join(outputs) or 'none'}, expected {SCORES}")
        self._columns(outputs[SCORES], items + 1)

    def _columns(self, value: onnx.ValueInfoProto, expected: str | int) -> int | None:
        """Return the number of columns that the graph declares for an input or output; None if it declares none.

        Raise `InvalidBundle` if its type, number of dimensions or number of columns is not valid, or if it declares a
        batch size.
        """
        tensor = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim] or [None, None]
        if (
            tensor.elem_type != _TYPES[value.name]
            or len(dims) != 2
            or dims[0] is not None
            or (dims[1] is not None and (dims[1] != expected if isinstance(expected, int) else dims[1] < 1))
        ):
            declared = helper.make_tensor_value_info(value.name, _TYPES[value.name], ["batch", expected])
            raise InvalidBundle(
                f"{self._path} has {helper.printable_value_info(value)}, expected "
                f"{helper.printable_value_info(declared)} for any batch size (column 0 of scores is for padding)"
            )
        return dims[1]


def right_aligned(known: npt.NDArray[np.bool_]) -> Ints:
    """Return the column order per row that puts known items at the right end, int64 `(batch, length)`."""
    return np.argsort(known, axis=1, kind="stable")


def _last(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """Return the last `length` columns, padded with 0 on the left."""
    missing = max(0, length - values.shape[1])
    return np.ascontiguousarray(np.pad(values, ((0, 0), (missing, 0)))[:, -length:])


def _padded(graph: Graph, source: str, length: int, kind: int) -> str:
    zeros = graph.op(
        "ConstantOfShape",
        graph.op("Concat", graph.batch_size(), graph.integers(length), axis=0),
        value=helper.make_tensor("zero", kind, [1], [0]),
    )
    padded = graph.op("Concat", zeros, source, axis=1)
    return graph.op("Slice", padded, graph.integers(-length), graph.integers(_END), graph.integers(1))
