"""Search for the best items of a history: served graphs compared with numpy and other libraries, single-threaded."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import scipy.sparse as sp

from alsolike.bundle.files import GRAPH_FILE
from benchmarks.measure import cpu_medians_ms
from benchmarks.rows import Row
from benchmarks.synthetic_models import random_histories, rows_model
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.data.interactions import Histories
from model_export.export.writer import open_session, write_graphs

DIMENSIONS = 64
TARGETS = 100
K = 10
HISTORIES = 128
ROUNDS, REPEATS = 15, 8

Work = Callable[[], object]


def item_to_item() -> Iterator[Row]:
    for items in (20_000, 100_000):
        with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
            model, histories = rows_model(items=items, targets=TARGETS), random_histories(items=items, rows=HISTORIES)
            works = {"ours": _requests(_session(model, Path(name)), histories)}
            if _installed("implicit"):
                works["implicit"] = _implicit_items(model, histories)
            yield _row(
                f"item-to-item, {items:,} items", works, "implicit", floor_label="implicit's ItemItem", max_ratio=1
            )
    items = 1_000_000
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
        model, histories = rows_model(items=items, targets=TARGETS), random_histories(items=items, rows=HISTORIES)
        vectors = np.random.default_rng(0).standard_normal((items, DIMENSIONS), np.float32)
        query = vectors[0].copy()
        works = {"ours": _requests(_session(model, Path(name)), histories), "scan": lambda: vectors @ query}
        yield _row(
            f"item-to-item, {items:,} items",
            works,
            "scan",
            floor_label="numpy's scan of as many vectors",
            max_ratio=0.1,
        )


def _session(model: ItemRowsModel, directory: Path) -> onnxruntime.InferenceSession:
    write_graphs(model, directory)
    return open_session(directory / GRAPH_FILE)


def _requests(session: onnxruntime.InferenceSession, histories: Histories) -> Work:
    feeds = [
        {
            "history": histories.items[row : row + 1],
            "weights": histories.weights[row : row + 1],
            "exclude": histories.items[row : row + 1],
            "k": np.array([K], np.int64),
        }
        for row in range(len(histories))
    ]
    return _round_robin(lambda row: session.run(None, feeds[row]), len(feeds))


def _implicit_items(model: ItemRowsModel, histories: Histories) -> Work:
    from implicit._nearest_neighbours import NearestNeighboursScorer
    from implicit.nearest_neighbours import ItemItemRecommender

    columns = model.items + 1
    rows = model.rows
    indptr = np.arange(0, columns * TARGETS + 1, TARGETS)
    table = (rows.value.astype(np.float64).ravel(), rows.target.ravel(), indptr)
    peer = ItemItemRecommender(K=TARGETS, num_threads=1)
    peer.similarity = sp.csr_matrix(table, shape=(columns, columns))
    peer.scorer = NearestNeighboursScorer(peer.similarity)
    users = _user_items(histories, columns, np.float64)
    return _round_robin(lambda row: peer.recommend(0, users[row], N=K), len(users))


def _user_items(histories: Histories, columns: int, kind: Any) -> list[sp.csr_matrix]:
    return [
        sp.csr_matrix((weights.astype(kind), items, [0, len(items)]), shape=(1, columns))
        for items, weights in zip(histories.items, histories.weights, strict=True)
    ]


def _round_robin(search: Callable[[int], object], count: int) -> Work:
    rows = itertools.cycle(range(count))
    return lambda: search(next(rows))


def _row(work: str, works: dict[str, Work], floor: str, *, floor_label: str, max_ratio: float) -> Row:
    medians = _medians(works)
    if floor in medians:
        return Row.compared(work, medians["ours"], floor_label, medians[floor], max_ratio=max_ratio)
    return Row.not_installed(work, medians["ours"], floor_label, floor)


def _medians(works: dict[str, Work]) -> dict[str, float]:
    return cpu_medians_ms(works, rounds=ROUNDS, repeats=REPEATS)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
