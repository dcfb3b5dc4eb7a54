"""Checks of an imported graph's behaviour, before it is evaluated.

Parity with the trainer's model means: the graph returns the scores of the examples in `model.json`. Without examples,
only conditions of every served graph are checked, for example finite scores that depend only on the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alsolike.runtime.errors import InvalidBundle
from model_export.data.interactions import Floats, Ints
from model_export.imported.algorithm import activated
from model_export.imported.folder import MODEL_FILE, Example, Folder, open_folder
from model_export.imported.scoring import ScoringGraph

TOLERANCE = 1e-4
"""Maximum difference of a score from an example, relative to max(1, |the example's score|)."""

RUN_TOLERANCE = 1e-5
"""Maximum difference of a score between two runs, relative to max(1, largest |score| of the history)."""

SAMPLES, LONGEST = 16, 20
"""Number of random histories, and maximum number of interactions per history."""


def check_folder(directory: Path) -> Folder:
    """Raise `InvalidBundle` if the folder or its graph is invalid."""
    folder = open_folder(directory)
    check_graph(folder, ScoringGraph(str(folder.graph), items=len(folder.item_ids)))
    return folder


def check_graph(folder: Folder, graph: ScoringGraph) -> None:
    """Check the range of a graph's scores, and compare runs with the examples and with each other."""
    rng = np.random.default_rng(0)
    items = len(folder.item_ids)
    histories = np.zeros((SAMPLES, LONGEST), np.int64)
    for row, count in enumerate(rng.integers(1, LONGEST + 1, SAMPLES)):
        histories[row, -count:] = rng.integers(1, items + 1, count)
    scores = _run(graph, histories)
    _check_range(folder, scores)
    path = folder.graph
    _compare(
        scores, _run(graph, histories), f"{path} returns other scores in a second run: export it in inference mode"
    )
    alone = np.concatenate([_run(graph, histories[row : row + 1]) for row in range(SAMPLES)])
    _compare(scores, alone, f"{path} returns other scores for a history in a batch than alone: no layer may mix rows")
    short = histories[:, LONGEST // 2 :]
    padded = np.where(np.arange(LONGEST) < LONGEST // 2, 0, histories)
    has_items = short.any(axis=1)
    message = f"{path} returns other scores after more zeros at the left end: mask the padding"
    _compare(_run(graph, padded[has_items]), _run(graph, short[has_items]), message)
    positions = {item_id: position for position, item_id in enumerate(folder.item_ids, start=1)}
    for number, example in enumerate(folder.examples, start=1):
        _check_example(folder, graph, example, number, positions)


def _run(graph: ScoringGraph, histories: Ints) -> Floats:
    weights = (histories > 0).astype(np.float32)
    return graph.run(histories, weights, np.zeros(histories.shape, np.float32))


def _check_range(folder: Folder, scores: Floats) -> None:
    of_items = scores[:, 1:]
    if not np.isfinite(of_items).all():
        row, item = np.argwhere(~np.isfinite(of_items))[0].tolist()
        raise InvalidBundle(
            f"{folder.graph} returns {of_items[row, item]} for item {folder.item_ids[item]!r}, expected finite scores"
        )
    if folder.activation is None and (of_items < 0).any():
        row, item = np.argwhere(of_items < 0)[0].tolist()
        raise InvalidBundle(
            f"{folder.graph} returns {of_items[row, item]:.4g} for item {folder.item_ids[item]!r}, expected at least "
            f'0. Set "activation" in {MODEL_FILE} to "softplus" if only the order of scores matters. Set it to "relu" '
            "if negative scores mean no recommendation"
        )
    if not (activated(of_items, folder.activation) > 0).any():
        raise InvalidBundle(f"{folder.graph} returns no score above 0 for {SAMPLES} random histories")


def _compare(scores: Floats, others: Floats, message: str) -> None:
    size = np.maximum(1.0, np.abs(scores[:, 1:]).max(axis=1, keepdims=True))
    difference = float((np.abs(scores - others)[:, 1:] / size).max())
    if not difference <= RUN_TOLERANCE:
        raise InvalidBundle(f"{message} (largest relative difference {difference:.2g}, at most {RUN_TOLERANCE:g})")


def _check_example(
    folder: Folder, graph: ScoringGraph, example: Example, number: int, positions: Mapping[str, int]
) -> None:
    scores = _run(graph, np.array([[positions[item_id] for item_id in example.history]]))[0]
    for item_id, expected in example.scores.items():
        found = float(scores[positions[item_id]])
        if not abs(found - expected) <= TOLERANCE * max(1.0, abs(expected)):
            raise InvalidBundle(
                f"{folder.graph} returns {found:.6g} for item {item_id!r} after {', '.join(example.history)}, "
                f"expected {expected:.6g} as in example {number} of {MODEL_FILE}. Check the order of items and of the "
                "history, and the exported weights"
            )
