"""Untrained model whose scores are inner products of the history's weighted vectors with all vectors."""

from __future__ import annotations

import dataclasses

import numpy as np

from model_export.algorithms.buy_again import BuyAgain
from model_export.api import Model
from model_export.data.interactions import Floats, Histories
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class Embeddings(Model):
    """Model with `vectors`, float32 `(items + 1, d)`. Row 0 is zero."""

    vectors: Floats

    @classmethod
    def random(cls, *, items: int, dimensions: int) -> Embeddings:
        vectors = np.random.default_rng(0).standard_normal((items + 1, dimensions), np.float32)
        vectors[0] = 0
        return cls(settings=BuyAgain(), items=items, vectors=vectors)

    def score(self, histories: Histories) -> Floats:
        weights = np.where(histories.items > 0, histories.weights, np.float32(0))
        queries = np.einsum("bl,bld->bd", weights, self.vectors[histories.items])
        scores: Floats = np.logaddexp(queries @ self.vectors.T, np.float32(0))
        scores[:, 0] = 0
        return scores

    def export(self, graph: Graph) -> str:
        table = graph.item_weight("embeddings.vectors", self.vectors)
        weights = graph.op("Unsqueeze", graph.decayed_weights(1.0), graph.integers(1))
        query = graph.op("MatMul", weights, graph.op("Gather", table, graph.history, axis=0))
        query = graph.op("Squeeze", query, graph.integers(1))
        return graph.op("Softplus", graph.op("Gemm", query, table, transB=1))
