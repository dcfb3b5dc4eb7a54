"""Untrained model whose scores are inner products of the history's weighted vectors with all vectors."""

from __future__ import annotations

import dataclasses

import numpy as np

from model_export.algorithms.buy_again import BuyAgain
from model_export.api import Model
from model_export.data.interactions import Floats, Histories
from model_export.graph.contract import Graph

MANY = 200_000
DIMENSIONS = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Embeddings(Model):
    """Model with `vectors`, float32 `(items + 1, d)`. Row 0 is zero."""

    vectors: Floats
    softplus: bool = False

    @classmethod
    def random(cls, *, items: int, dimensions: int, spectrum: float, softplus: bool = False) -> Embeddings:
        """Draw random vectors. Axis n has n ** -spectrum times the width of the first axis, and norms differ."""
        rng = np.random.default_rng(0)
        vectors = rng.standard_normal((items + 1, dimensions), np.float32)
        vectors *= np.arange(1, dimensions + 1, dtype=np.float32) ** -spectrum
        vectors *= np.exp(0.3 * rng.standard_normal((items + 1, 1), np.float32))
        vectors[0] = 0
        return cls(settings=BuyAgain(), items=items, vectors=vectors, softplus=softplus)

    def score(self, histories: Histories) -> Floats:
        weights = np.where(histories.items > 0, histories.weights, np.float32(0))
        queries = np.einsum("bl,bld->bd", weights, self.vectors[histories.items])
        products: Floats = queries @ self.vectors.T
        scores = np.logaddexp(products, np.float32(0)) if self.softplus else np.maximum(products, 0)
        scores[:, 0] = 0
        return scores

    def export(self, graph: Graph) -> str:
        table = graph.item_vectors("embeddings.vectors", self.vectors)
        weights = graph.op("Unsqueeze", graph.decayed_weights(1.0), graph.integers(1))
        query = graph.op("MatMul", weights, graph.op("Gather", table, graph.history, axis=0))
        query = graph.op("Squeeze", query, graph.integers(1))
        return graph.inner_products(query, table, activation="Softplus" if self.softplus else "Relu")


def random_histories(items: int, *, rows: int, length: int = 20) -> Histories:
    rng = np.random.default_rng(1)
    return Histories(
        items=rng.integers(1, items + 1, (rows, length)), weights=rng.random((rows, length), np.float32) + 0.1
    )
