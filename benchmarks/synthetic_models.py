"""Untrained models of a million items: their cost does not depend on their scores."""

from __future__ import annotations

import dataclasses

import numpy as np

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.algorithms.buy_again import BuyAgain
from model_export.api import Model
from model_export.data.interactions import Floats, Histories
from model_export.graph.contract import Graph

HISTORY = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class VectorsModel(Model):
    """Scores are the inner products of the history's summed vectors with all vectors, where above 0.

    Attributes
    ----------
    vectors
        float32 `(items + 1, d)`, row 0 zero.
    """

    vectors: Floats

    def score(self, histories: Histories) -> Floats:
        """Return the products, made at least 0."""
        queries = np.einsum("bl,bld->bd", histories.weights * (histories.items > 0), self.vectors[histories.items])
        products: Floats = queries @ self.vectors.T
        return np.maximum(products, 0, out=products)

    def export(self, graph: Graph) -> str:
        """Gather, add up, multiply."""
        table = graph.item_vectors("vectors", self.vectors)
        weights = graph.op("Unsqueeze", graph.decayed_weights(1.0), graph.integers(1))
        query = graph.op("MatMul", weights, graph.op("Gather", table, graph.history, axis=0))
        return graph.inner_products(graph.op("Squeeze", query, graph.integers(1)), table)


def vectors_model(*, items: int, dimensions: int, spectrum: float) -> VectorsModel:
    """Return vectors of different norms whose axis n is n ** -spectrum as wide as the first."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((items + 1, dimensions), np.float32)
    vectors *= np.arange(1, dimensions + 1, dtype=np.float32) ** -np.float32(spectrum)
    vectors *= np.exp(np.float32(0.3) * rng.standard_normal((items + 1, 1), np.float32))
    vectors[0] = 0
    return VectorsModel(settings=BuyAgain(), items=items, vectors=vectors)


def rows_model(*, items: int, targets: int) -> ItemRowsModel:
    """Return a table of random targets an item."""
    rng = np.random.default_rng(0)
    target = rng.integers(1, items + 1, (items + 1, targets), np.int32)
    value = rng.random((items + 1, targets), np.float32)
    target[0], value[0] = 0, 0
    rows = ItemRows(row_of=np.arange(items + 1, dtype=np.int32), target=target, value=value)
    return ItemRowsModel(settings=BuyAgain(), items=items, rows=rows)


def random_histories(*, items: int, rows: int) -> Histories:
    """Return histories of 50 interactions."""
    rng = np.random.default_rng(1)
    return Histories(
        items=rng.integers(1, items + 1, (rows, HISTORY)), weights=rng.random((rows, HISTORY), np.float32) + 0.1
    )
