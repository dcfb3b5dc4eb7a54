"""Exports a model's graphs, in one stage or in two, as is measured here, and proves that they rank as the model does.

Models whose scores are inner products alone may be answered in two stages (`onnx_two_stages`), which leave out an item
now and then. They are taken only where the very sessions that serving opens are faster with them, at a recall of
`LEAST_RECALL`, on a sample of histories one at a time, and where the parity check on all histories finds that recall
too. Everything else has one stage, and nothing left out.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from alsolike.bundle import GRAPH_FILE, GRAPH_FILES
from model_export.algorithm import Model
from model_export.interactions import Histories, Ints
from model_export.onnx_file import open_session, recommend, write_graphs
from model_export.onnx_graph import FLAT_BELOW
from model_export.parity import Parity, check_parity

LEAST_RECALL = 0.999
HEAD_SHARES = (0.5, 0.75, 1.0)
"""Heads that are tried, as parts of the vectors' dimensions."""

SAMPLE = 32
ROUNDS = 3
USUAL_K, LARGEST_K = 25, 500
"""Times are of the usual length of a list, recall is of both."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """What was measured of one way to answer.

    Attributes
    ----------
    head_dimensions
        None for one stage.
    median_ms
        Processor time of a request, one history at a time.
    recall
        Share of one stage's items that stand in the answer too, the worse of both lengths.
    """

    head_dimensions: int | None
    median_ms: float
    recall: float


@dataclasses.dataclass(frozen=True, slots=True)
class Stages:
    """How the graphs answer, 1 stage or 2, and why; nothing is tried where two are not possible or not worth it."""

    stages: int
    tried: list[Tried] = dataclasses.field(default_factory=list)


def export_graphs(model: Model, directory: Path, histories: Histories) -> tuple[Stages, Parity]:
    """Write the graphs and their data.

    Raises
    ------
    ParityError
        If a graph does not rank as the model does.
    """
    product = write_graphs(model, directory)
    if product is None or model.items < FLAT_BELOW:
        return Stages(1), check_parity(model, directory, histories)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        folders: dict[int | None, Path] = {None: directory}
        for dimensions in sorted({max(1, round(share * product.dimensions)) for share in HEAD_SHARES}):
            folders[dimensions] = Path(scratch) / str(dimensions)
            folders[dimensions].mkdir()
            write_graphs(model, folders[dimensions], head_dimensions=dimensions)
        tried = measure(folders, _sample(histories), items=model.items)
        taken = choose(tried).head_dimensions
        if taken is not None:
            parity = check_parity(model, folders[taken], histories, least_recall=0.0)
            if parity.recall >= LEAST_RECALL:
                for name in GRAPH_FILES:
                    (folders[taken] / name).replace(directory / name)
                return Stages(2, tried), parity
    return Stages(1, tried), check_parity(model, directory, histories)


def measure(folders: dict[int | None, Path], histories: Sequence[Histories], *, items: int) -> list[Tried]:
    """Answer each of `histories`, one each, with the graphs of every folder in turns; that of None has one stage."""
    sessions = {head: open_session(folder / GRAPH_FILE) for head, folder in folders.items()}
    times: dict[int | None, list[float]] = {head: [] for head in sessions}
    found = dict.fromkeys(((head, k) for head in sessions for k in (USUAL_K, LARGEST_K)), 0)
    for history in histories:
        for k in (USUAL_K, LARGEST_K):
            wanted = _items(sessions[None], history, min(k, items))
            for head, session in sessions.items():
                found[head, k] += len(np.intersect1d(wanted, _items(session, history, min(k, items))))
    for history in [*histories] * ROUNDS:
        for head, session in sessions.items():
            start = time.process_time()
            _items(session, history, min(USUAL_K, items))
            times[head].append(1000 * (time.process_time() - start))
    return [
        Tried(
            head,
            statistics.median(times[head]),
            min(found[head, k] / max(1, found[None, k]) for k in (USUAL_K, LARGEST_K)),
        )
        for head in sessions
    ]


def choose(tried: Sequence[Tried]) -> Tried:
    """Return the fastest with enough recall; the first of equally fast ones."""
    return min((one for one in tried if one.recall >= LEAST_RECALL), key=lambda one: one.median_ms)


def _items(session: onnxruntime.InferenceSession, history: Histories, k: int) -> Ints:
    """Return the items of an answer without the history's own."""
    items, _ = recommend(session, history, exclude=history.items, k=k)
    return items[items > 0]


def _sample(histories: Histories) -> list[Histories]:
    rows = np.unique(np.linspace(0, len(histories) - 1, SAMPLE).astype(np.int64)).tolist()
    return [histories.rows(slice(row, row + 1)) for row in rows]
