"""Export of a fitted model in the format of an import."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from alsolike.bundle.features import FEATURE_INPUT
from alsolike.runtime.errors import InvalidInput
from model_export.api import Graph, Histories, Model
from model_export.data.interactions import Ints
from model_export.graph.contract import IR_VERSION, OPSET
from model_export.graph.top_k import inputs_of, needed
from model_export.imported.folder import GRAPH_FILE, MODEL_FILE, Example, document_of
from model_export.imported.scoring import SCORES

_INPUTS = {"history": TensorProto.INT64, "weights": TensorProto.FLOAT, "ages": TensorProto.FLOAT}


def write_folder(
    model: Model,
    directory: Path,
    *,
    item_ids: Sequence[str],
    trained_until: dt.datetime,
    histories: Ints,
    scored: int,
) -> None:
    """Write a model's scoring graph, and `model.json` with the scores of some histories as examples.

    Parameters
    ----------
    item_ids
        IDs of the positions 1..N.
    histories
        Item positions of the examples' histories, int64 `(examples, length)`, padded with 0.
    scored
        Maximum number of items per example, those with the best scores.
    """
    graph = Graph(model.items)
    columns = model.export(graph)
    scores = graph.op("Slice", columns, graph.integers(0), graph.integers(model.items + 1), graph.integers(1))
    nodes = needed([*graph.nodes, helper.make_node("Identity", [scores], [SCORES])], [SCORES])
    read = {name for node in nodes for name in inputs_of(node)}
    if features := sorted(name for name in read if name.startswith(FEATURE_INPUT)):
        raise InvalidInput(f"{model.settings.name} reads {', '.join(features)}, which a scoring graph cannot have")
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "score",
            [helper.make_tensor_value_info(n, kind, ["batch", "length"]) for n, kind in _INPUTS.items() if n in read],
            [helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, ["batch", model.items + 1])],
            [
                *(constant for name, constant in graph.constants.items() if name in read),
                *(numpy_helper.from_array(values, name) for name, values in graph.tables.items()),
            ],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="alsolike",
    )
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(directory / GRAPH_FILE))
    (directory / MODEL_FILE).write_bytes(
        document_of(
            name=f"alsolike {model.settings.name}",
            item_ids=item_ids,
            trained_until=trained_until,
            half_life_days=model.settings.half_life_days,
            examples=_examples(model, histories, item_ids, scored),
        )
    )


def _examples(model: Model, histories: Ints, item_ids: Sequence[str], scored: int) -> list[Example]:
    """Return the best scores of histories whose weights are 1 and whose ages are 0."""
    found = []
    all_scores = model.score(Histories(items=histories, weights=(histories > 0).astype(np.float32)))
    for items, scores in zip(histories, all_scores, strict=True):
        best = (-scores).argsort(kind="stable")[:scored]
        known = {item_ids[item - 1]: float(scores[item]) for item in best.tolist() if item and scores[item] > 0}
        if known:
            found.append(Example([item_ids[item - 1] for item in items[items > 0].tolist()], known))
    return found
