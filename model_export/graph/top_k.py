"""End of a graph: bias, masks and top k of the scores. `model_export.graph.contract` describes the interface."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import onnx
from onnx import TensorProto, helper

from alsolike.bundle.features import FEATURE_INPUT
from model_export.graph.contract import BLOCK, IR_VERSION, OPSET, TWO_LEVELS_FROM, Graph


def finish(graph: Graph, scores: str, *, with_bias: bool) -> onnx.ModelProto:
    """Return the ONNX model that masks `scores` and returns the k best items.

    The model does not contain the tables of the external file.
    """
    start = len(graph.nodes)
    try:
        best, items = _best(graph, _masked(graph, scores, with_bias=with_bias))
        missing = graph.op("Concat", graph.integers(0), graph.op("Sub", "k", graph.count()), axis=0)
        best = graph.op("Pad", best, missing, graph.number(-math.inf), graph.integers(1))
        items = graph.op("Pad", items, missing, graph.integer(0), graph.integers(1))
        # With a bias, scores can be negative. Items with score 0 are already masked by -inf.
        answers = graph.op("Greater", best, graph.number(-math.inf if with_bias else 0.0))
        nodes = [
            *graph.nodes,
            helper.make_node("Where", [answers, best, graph.number(-math.inf)], ["scores"], name="scores"),
            helper.make_node("Where", [answers, items, graph.integers(0)], ["items"], name="items"),
        ]
    finally:
        del graph.nodes[start:]
    return _model(graph, needed(nodes, {"items", "scores"}), with_bias=with_bias)


def needed(nodes: Sequence[onnx.NodeProto], outputs: Collection[str]) -> list[onnx.NodeProto]:
    """Remove nodes that no output depends on, because ONNX Runtime would compute them."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(inputs_of(node))
    return kept[::-1]


def inputs_of(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the inputs of a node and of its branches."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from inputs_of(inner)


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
    used = {name for node in nodes for name in inputs_of(node)}
    if graph.ages in used:
        inputs.append(helper.make_tensor_value_info(graph.ages, TensorProto.FLOAT, ["batch", "length"]))
    inputs += [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in sorted(used)
        if name.startswith(FEATURE_INPUT)
    ]
    constants = [constant for name, constant in graph.constants.items() if name in used]
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", columns])
        for name, columns in graph.columns.items()
        if name in used
    ]
    onnx_graph = helper.make_graph(nodes, "recommend", inputs, outputs, constants, value_info=shapes)
    return helper.make_model(
        onnx_graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="alsolike",
    )


def _masked(graph: Graph, scores: str, *, with_bias: bool) -> str:
    """Set masked columns to -inf. If `with_bias` is true, also add the bias to the other columns."""
    masked = graph.barred(scores)
    if with_bias:
        scores = _biased(graph, scores)
    ninf = graph.op("Expand", graph.number(-math.inf), graph.op("Shape", masked))
    return graph.op("ScatterElements", scores, masked, ninf, axis=1)


def _biased(graph: Graph, scores: str) -> str:
    """Add the bias to scores above 0. Other scores become -inf."""
    known = graph.op("Greater", scores, graph.number(0.0))
    return graph.op("Where", known, graph.op("Add", scores, graph.bias()), graph.number(-math.inf))


def _best(graph: Graph, scores: str) -> tuple[str, str]:
    """Return the scores and items of the k best columns, or of all columns if there are fewer."""
    if graph.width >= TWO_LEVELS_FROM:
        return _two_level_best(graph, scores)
    best, items = graph.ops("TopK", scores, graph.count(), outputs=2, axis=1, sorted=1)
    return best, items


def _two_level_best(graph: Graph, scores: str) -> tuple[str, str]:
    """Return the k best scores and items.

    The k best items are in the k blocks with the highest maxima, even if there are ties. The selected blocks are
    sorted, so that lower positions are first among equal scores.
    """
    blocks = graph.width // BLOCK
    blocked = graph.op("Reshape", scores, graph.integers(0, blocks, BLOCK))
    maxima = graph.op("ReduceMax", blocked, graph.integers(2), keepdims=0)
    block_count = graph.op("Min", "k", graph.integers(blocks))
    _, best_blocks = graph.ops("TopK", maxima, block_count, outputs=2, axis=1, sorted=1)
    best_blocks, _ = graph.ops("TopK", best_blocks, block_count, outputs=2, axis=1, sorted=1, largest=0)
    best_blocks = graph.op("Unsqueeze", best_blocks, graph.integers(2))
    block_scores = graph.op("GatherND", blocked, best_blocks, batch_dims=1)
    items = graph.op("Add", graph.op("Mul", best_blocks, graph.integers(BLOCK)), graph.integers(*range(BLOCK)))
    items, block_scores = (graph.op("Reshape", each, graph.integers(0, -1)) for each in (items, block_scores))
    best, place = graph.ops("TopK", block_scores, graph.count(), outputs=2, axis=1, sorted=1)
    return best, graph.op("GatherElements", items, place, axis=1)
