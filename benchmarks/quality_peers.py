"""Other libraries on the same split, where they are installed: fitted on the same rows, judged by the same code."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from model_export.algorithm import Algorithm, Model
from model_export.interactions import Floats, Histories, Interactions
from model_export.onnx_graph import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peer(Algorithm):
    """A library's model by its name; settings are those that its documentation recommends or its defaults."""

    name: ClassVar[str] = "peer"
    label: str
    learn: Callable[[Interactions], Callable[[sp.csr_array], Floats]]

    def fit(self, interactions: Interactions) -> PeerModel:
        """Fit the library's model."""
        return PeerModel(settings=self, items=interactions.items, of_matrix=self.learn(interactions))


@dataclasses.dataclass(frozen=True, kw_only=True)
class PeerModel(Model):
    """Scores users from what they had, `(batch, items + 1)`."""

    of_matrix: Callable[[sp.csr_array], Floats]

    def score(self, histories: Histories) -> Floats:
        """Return the library's scores, moved to at least 0."""
        scores = self.of_matrix(histories.matrix(columns=self.items + 1))
        scores -= scores.min()
        return np.ascontiguousarray(scores, np.float32)

    def export(self, graph: Graph) -> str:
        """Peers are compared, not served."""
        raise NotImplementedError


def peers() -> Iterator[Peer]:
    """Yield the peers whose libraries are installed."""
    if importlib.util.find_spec("implicit") is not None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        yield Peer(label="implicit ALS, 256 factors", learn=_als)
        yield Peer(label="implicit BM25, 100 neighbours", learn=_bm25)


def _als(interactions: Interactions) -> Callable[[sp.csr_array], Floats]:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=256, random_state=0)
    model.fit(_csr(interactions.matrix()), show_progress=False)
    items = np.asarray(model.item_factors)

    def score(matrix: sp.csr_array) -> Floats:
        users = model.recalculate_user(np.arange(matrix.shape[0]), _csr(matrix))
        scores: Floats = np.asarray(users) @ items.T
        return scores

    return score


def _bm25(interactions: Interactions) -> Callable[[sp.csr_array], Floats]:
    from implicit.nearest_neighbours import BM25Recommender

    model = BM25Recommender(K=100)
    model.fit(_csr(interactions.matrix()), show_progress=False)

    def score(matrix: sp.csr_array) -> Floats:
        return np.asarray((matrix @ sp.csr_array(model.similarity)).toarray())

    return score


def _csr(matrix: sp.csr_array) -> Any:
    return sp.csr_matrix(matrix)
