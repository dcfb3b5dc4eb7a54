"""Search for the best items of a history: served graphs compared with numpy and other libraries, single-threaded."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import scipy.sparse as sp

from alsolike.bundle.files import GRAPH_FILE
from benchmarks.measure import cpu_medians_ms
from benchmarks.rows import Row
from benchmarks.synthetic_models import VectorsModel, random_histories, rows_model, vectors_model
from model_export.algorithms.building_blocks.item_to_item import ItemRowsModel
from model_export.data.interactions import Floats, Histories
from model_export.export.stages import choose, measure, worth_trying
from model_export.export.writer import open_session, write_graphs
from model_export.graph.two_stage import TwoStages

DIMENSIONS = 64
TARGETS = 100
K = 10
HISTORIES = 128
ROUNDS, REPEATS = 15, 8
SPECTRA = {"fast": 0.7, "slow": 0.35}

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


def embeddings() -> Iterator[Row]:
    """Compare vectors of `DIMENSIONS`, in the stages that an export selects, with the fastest other library."""
    for items, max_ratio in ((100_000, 1.0), (1_000_000, 0.4)):
        for word, spectrum in SPECTRA.items():
            model = vectors_model(items=items, dimensions=DIMENSIONS, spectrum=spectrum)
            with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as name:
                yield from _vectors(model, Path(name), f"{items:,} vectors, {word} decay", max_ratio=max_ratio)


def _vectors(model: VectorsModel, directory: Path, work: str, *, max_ratio: float) -> Iterator[Row]:
    histories = random_histories(items=model.items, rows=HISTORIES)
    way, folder, recall = _selected(model, directory, histories)
    stages = "one stage" if way is None else f"{way.dimensions} axes, {way.blocks_a_place} blocks"
    works: dict[str, Work] = {"ours": _requests(open_session(folder / GRAPH_FILE), histories)}
    vectors, queries = model.vectors, _queries(model, histories)
    works["numpy"] = _round_robin(lambda row: _scan(vectors, queries[row]), len(queries))
    if _installed("implicit"):
        works["implicit"] = _implicit_factors(vectors, queries, histories)
    if _installed("faiss"):
        works["faiss"] = _faiss(vectors, queries)
    medians = _medians(works)
    peers = {
        "numpy": "numpy's scan and argpartition",
        "implicit": "implicit's ALS.recommend",
        "faiss": "faiss's IndexFlatIP",
    }
    fastest = min((name for name in peers if name in medians), key=medians.__getitem__)
    label = f"{work}, {stages}, recall {recall:.4f}"
    yield Row.compared(label, medians["ours"], peers[fastest], medians[fastest], max_ratio=max_ratio)
    for name in peers.keys() - medians.keys():
        yield Row.not_installed(label, medians["ours"], peers[name], {"faiss": "faiss-cpu"}.get(name, name))


def _selected(model: VectorsModel, directory: Path, histories: Histories) -> tuple[TwoStages | None, Path, float]:
    """Return the stages that an export selects (None for one stage), the folder of the graphs, and the recall."""
    ways = (None, *worth_trying(DIMENSIONS, model.items))
    folders: dict[TwoStages | None, Path] = {way: directory / str(place) for place, way in enumerate(ways)}
    for way, folder in folders.items():
        folder.mkdir()
        write_graphs(model, folder, two_stages=way)
    one_by_one = [histories.rows(slice(row, row + 1)) for row in range(len(histories))]
    stages = choose(measure(folders, one_by_one, items=model.items))
    return stages.two_stages, folders[stages.two_stages], stages.recall


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


def _scan(vectors: Floats, query: Floats) -> object:
    scores = vectors @ query
    best = np.argpartition(scores, -K)[-K:]
    return best[np.argsort(-scores[best])]


def _queries(model: VectorsModel, histories: Histories) -> Sequence[Floats]:
    """Return the query vector of each history as a contiguous float32 array."""
    return [
        np.ascontiguousarray(weights @ model.vectors[items], np.float32)
        for items, weights in zip(histories.items, histories.weights, strict=True)
    ]


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


def _implicit_factors(vectors: Floats, queries: Sequence[Floats], histories: Histories) -> Work:
    from implicit.cpu.als import AlternatingLeastSquares

    peer = AlternatingLeastSquares(factors=vectors.shape[1], num_threads=1)
    peer.item_factors, peer.user_factors = vectors, np.stack(queries)
    users = _user_items(histories, len(vectors), np.float32)
    return _round_robin(lambda row: peer.recommend(row, users[row], N=K), len(users))


def _faiss(vectors: Floats, queries: Sequence[Floats]) -> Work:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return _round_robin(lambda row: index.search(queries[row][None], K), len(queries))


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
