"""Writes the two graphs with one external data file, opens them, and checks them against the reference scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from alsolike.bundle import BIAS_GRAPH_FILE, DATA_FILE, GRAPH_FILE
from model_export.algorithm import Model
from model_export.interactions import Floats, Histories, Ints
from model_export.onnx_graph import Graph, finish

PAGE_BYTES = 4096
"""Tables start on page boundaries, so that they are mapped and not copied."""

RELATIVE_TOLERANCE = 1e-4
ABSOLUTE_TOLERANCE = 1e-6
"""Scores are float32 sums that the graph adds in another order than the reference."""

PARITY_K = 100


class ParityError(AssertionError):
    """The exported graph ranks otherwise than the model that it was exported from."""


@dataclasses.dataclass(frozen=True, slots=True)
class Parity:
    """What a parity check found: histories compared, items compared each, largest relative difference of a score."""

    histories: int
    k: int
    largest_difference: float


def write_graphs(model: Model, directory: Path) -> None:
    """Write `graph.onnx`, `graph.bias.onnx` and the tables that both read, `graph.data`."""
    graph = Graph(model.items)
    scores = model.export(graph)
    tables = _write_tables(graph, directory / DATA_FILE)
    for file_name, with_bias in ((GRAPH_FILE, False), (BIAS_GRAPH_FILE, True)):
        proto = finish(graph, scores, with_bias=with_bias)
        proto.graph.initializer.extend(tables)
        (directory / file_name).write_bytes(proto.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(directory / file_name))


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph as serving does: one thread, and no prepacking, so that tables stay mapped."""
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
        int64 `(batch, x)`, positions kept out of the answer; 0 is none.
    bias
        float32 `(items + 1,)`, for the bias variant only.

    Returns
    -------
    Items int64 and scores float32, both `(batch, k)`.
    """
    inputs = {
        "history": histories.items,
        "weights": histories.weights,
        "exclude": exclude,
        "k": np.array([k], np.int64),
    }
    if bias is not None:
        inputs["bias"] = bias
    items, scores = session.run(["items", "scores"], inputs)
    return items, scores


def check_parity(model: Model, directory: Path, histories: Histories, *, k: int = PARITY_K) -> Parity:
    """Compare both graphs with the model on histories, once with nothing and once with the history excluded.

    The k scores have to agree rank by rank and the score of each answered item has to be the reference's; items with
    equal scores may stand in any order.

    Raises
    ------
    ParityError
        If a score differs by more than `RELATIVE_TOLERANCE`; the message says which.
    """
    reference = model.score(histories)
    reference[:, 0] = -np.inf
    k = min(k, model.items)
    nothing = np.zeros((len(histories), 0), np.int64)
    neutral = np.zeros(model.items + 1, np.float32)
    largest = 0.0
    for file_name, bias in ((GRAPH_FILE, None), (BIAS_GRAPH_FILE, neutral)):
        session = open_session(directory / file_name)
        for exclude in (nothing, histories.items):
            expected = reference.copy()
            np.put_along_axis(expected, exclude, -np.inf, axis=1)
            items, scores = recommend(session, histories, exclude=exclude, k=k, bias=bias)
            largest = max(largest, _difference(file_name, expected, items, scores))
    return Parity(histories=len(histories), k=k, largest_difference=largest)


def _difference(file_name: str, expected: Floats, items: Ints, scores: Floats) -> float:
    """Return the largest relative difference of the answers."""
    k = items.shape[1]
    best = -np.sort(np.partition(-expected, k - 1, axis=1)[:, :k], axis=1)
    of_items = np.take_along_axis(expected, items, axis=1)
    largest = 0.0
    for name, wanted in (("rank", best), ("item", of_items)):
        finite = np.isfinite(wanted)
        if (finite != np.isfinite(scores)).any():
            raise ParityError(f"{file_name} answers masked items, or leaves out items that are not masked")
        wanted, found = wanted[finite], scores[finite]
        wrong = ~np.isclose(found, wanted, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE)
        if wrong.any():
            place = int(np.flatnonzero(wrong)[0])
            raise ParityError(
                f"{file_name} differs from the model: score by {name} is {found[place]}, expected {wanted[place]} "
                f"within {RELATIVE_TOLERANCE:g}; {int(wrong.sum())} of {wrong.size} differ"
            )
        sizes = np.maximum(np.abs(wanted), ABSOLUTE_TOLERANCE / RELATIVE_TOLERANCE)
        largest = max(largest, float((np.abs(found - wanted) / sizes).max(initial=0.0)))
    return largest


def _write_tables(graph: Graph, path: Path) -> list[onnx.TensorProto]:
    """Write the tables one after another and return tensors that point to them."""
    tensors = []
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
            file.write(little_endian)
            tensors.append(tensor)
    return tensors
