"""Export of a model's graphs with one or two stages, selected by measurement, with a parity check.

Models with inner products as scores can search in two stages (`model_export.graph.two_stage`), which rarely omit an
item. Two stages are exported if they are faster on a sample of single histories and their recall is at least
`MIN_RECALL`. The parity check on all histories must confirm this recall. Other models have one stage, which omits no
items.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from alsolike.bundle.files import GRAPH_FILE, GRAPH_FILES
from model_export.api import Model
from model_export.data.interactions import Histories, Ints
from model_export.export.parity import Parity, check_parity
from model_export.export.writer import open_session, recommend, write_graphs
from model_export.graph.two_stage import TwoStages

MIN_RECALL = 0.999
WAYS = ((0.5, 24), (0.625, 48), (0.75, 64), (1.0, 24))
"""Candidates: share of the vectors' dimensions in the first stage, and number of blocks per place of a list that reach
the second stage.
"""

SAMPLE = 128
DEFAULT_K = 25
"""List length for the measurement of time. Recall is also measured for the longest lists that use two stages."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """Measurements of a candidate.

    Attributes
    ----------
    two_stages
        Settings of the two stages, or None for one stage.
    median_ms
        Median processor time of the graph for one history and `DEFAULT_K` items.
    recall
        Share of the one-stage list that the candidate's list contains, the minimum over the lengths of lists.
    """

    two_stages: TwoStages | None
    median_ms: float
    recall: float


@dataclasses.dataclass(frozen=True, slots=True)
class Stages:
    """Number of stages of the graphs, 1 or 2, and the measurements, which are empty if two stages are not possible."""

    stages: int
    tried: list[Tried] = dataclasses.field(default_factory=list)


def export_graphs(model: Model, directory: Path, histories: Histories) -> tuple[Stages, Parity]:
    product = write_graphs(model, directory)
    ways = [] if product is None else worth_trying(product.dimensions, model.items)
    if not ways:
        return Stages(1), check_parity(model, directory, histories)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        folders: dict[TwoStages | None, Path] = {None: directory}
        for number, way in enumerate(ways):
            folders[way] = Path(scratch) / str(number)
            folders[way].mkdir()
            write_graphs(model, folders[way], two_stages=way)
        tried = measure(folders, _sample(histories), items=model.items)
        taken = choose(tried).two_stages
        if taken is not None:
            longest = taken.longest_list(model.items)
            parity = check_parity(model, folders[taken], histories, k=longest, min_recall=0.0)
            if parity.recall >= MIN_RECALL:
                # Lists longer than `longest` are searched in one stage, which this length checks.
                check_parity(model, folders[taken], histories.rows(slice(SAMPLE)), k=longest + 1)
                for name in GRAPH_FILES:
                    (folders[taken] / name).replace(directory / name)
                return Stages(2, tried), parity
    return Stages(1, tried), check_parity(model, directory, histories)


def worth_trying(dimensions: int, items: int) -> list[TwoStages]:
    """Return the distinct candidates of two stages that support lists of `DEFAULT_K` items."""
    ways = dict.fromkeys(TwoStages(max(1, round(share * dimensions)), blocks) for share, blocks in WAYS)
    return [way for way in ways if way.longest_list(items) >= DEFAULT_K]


def measure(folders: dict[TwoStages | None, Path], histories: Sequence[Histories], *, items: int) -> list[Tried]:
    """Measure the time and recall of the graph in each folder on single histories.

    The folder of the key None contains the graph with one stage.
    """
    sessions = {way: open_session(folder / GRAPH_FILE) for way, folder in folders.items()}
    times: dict[TwoStages | None, list[float]] = {way: [] for way in sessions}
    lengths = {DEFAULT_K, *(way.longest_list(items) for way in sessions if way is not None)}
    found = dict.fromkeys(itertools.product(sessions, lengths), 0)
    for history in histories:
        for k in lengths:
            wanted = _items(sessions[None], history, min(k, items))
            for way, session in sessions.items():
                found[way, k] += len(np.intersect1d(wanted, _items(session, history, min(k, items))))
    for history in histories:
        for way, session in sessions.items():
            start = time.process_time()
            _items(session, history, min(DEFAULT_K, items))
            times[way].append(1000 * (time.process_time() - start))
    return [
        Tried(way, statistics.median(times[way]), min(found[way, k] / max(1, found[None, k]) for k in lengths))
        for way in sessions
    ]


def choose(tried: Sequence[Tried]) -> Tried:
    return min((one for one in tried if one.recall >= MIN_RECALL), key=lambda one: one.median_ms)


def _items(session: onnxruntime.InferenceSession, history: Histories, k: int) -> Ints:
    items, _ = recommend(session, history, exclude=history.items, k=k)
    return items[items > 0]


def _sample(histories: Histories) -> list[Histories]:
    rows = np.unique(np.linspace(0, len(histories) - 1, SAMPLE).astype(np.int64)).tolist()
    return [histories.rows(slice(row, row + 1)) for row in rows]
