"""answer: ONNX graphs of a million items, one history per call; and the cost of an export's parity check."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime

from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.synthetic_models import random_histories, rows_model, vectors_model
from model_export.api import Model
from model_export.data.interactions import Floats, Histories
from model_export.export.parity import check_parity
from model_export.export.writer import open_session, recommend, write_graphs

ITEMS = 1_000_000
DIMENSIONS = 64
TARGETS = 100
K = 25
PARITY_HISTORIES = 200
SAMPLE = 20

Sessions = dict[str, onnxruntime.InferenceSession]


def answer() -> Iterator[Result]:
    """Measure one request to a graph of item vectors and to an item-to-item graph, and the parity check of both."""
    for work, model in (
        (f"{ITEMS:,} vectors of {DIMENSIONS}", vectors_model(items=ITEMS, dimensions=DIMENSIONS)),
        (f"{TARGETS} targets each of {ITEMS:,} items", rows_model(items=ITEMS, targets=TARGETS)),
    ):
        with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
            write_graphs(model, Path(name))
            yield from _requests(model, Path(name), work)
            yield _parity(model, Path(name), work)


def _requests(model: Model, directory: Path, work: str) -> Iterator[Result]:
    history = random_histories(items=ITEMS, rows=1)
    sessions = {"plain": open_session(directory / GRAPH_FILE)}
    biased = {"filtered": open_session(directory / BIAS_GRAPH_FILE)}
    works = {
        **_calls(sessions, history),
        **_calls(biased, history, bias=_filter()),
        "numpy": lambda: np.argpartition(-model.score(history)[0], K),
    }
    medians = cpu_medians_ms(works)
    for name, floor in (("plain", "numpy"), ("filtered", "plain")):
        yield Result("answer", f"{work}, {name}", medians[name], floor, medians[floor])


def _parity(model: Model, directory: Path, work: str) -> Result:
    histories = random_histories(items=ITEMS, rows=PARITY_HISTORIES)
    start = time.process_time()
    compared = check_parity(model, directory, histories).histories
    ms = 1000 * (time.process_time() - start)
    few = _one_by_one(histories.rows(slice(SAMPLE)))
    score_ms = cpu_medians_ms({"score": lambda: [model.score(history) for history in few]}, rounds=3)["score"] / SAMPLE
    return Result(
        "answer",
        f"parity of {compared} histories, {work}",
        ms,
        "the model's own scores of them",
        score_ms * compared,
        units_per_call=compared,
    )


def _calls(sessions: Sessions, history: Histories, *, bias: Floats | None = None) -> dict[str, Callable[[], object]]:
    def call(session: onnxruntime.InferenceSession) -> Callable[[], object]:
        return lambda: recommend(session, history, exclude=history.items, k=K, bias=bias)

    return {name: call(session) for name, session in sessions.items()}


def _one_by_one(histories: Histories) -> list[Histories]:
    return [histories.rows(slice(row, row + 1)) for row in range(len(histories))]


def _filter() -> Floats:
    return np.where(np.arange(ITEMS + 1) % 2, 0, -np.inf).astype(np.float32)
