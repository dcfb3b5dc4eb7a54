"""Models with random parameters, because processor time does not depend on the values of scores."""

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
    """Model whose scores are inner products with the weighted sum of the history's vectors. Negative products become 0.

    Attributes
    ----------
    vectors
        Item vectors, float32 `(items + 1, d)`. Row 0 is zero.
    """

    vectors: Floats

    def score(self, histories: Histories) -> Floats:
        queries = np.einsum("bl,bld->bd", histories.weights * (histories.items > 0), self.vectors[histories.items])
        products: Floats = queries @ self.vectors.T
        return np.maximum(products, 0, out=products)

    def export(self, graph: Graph) -> str:
        table = graph.item_weight("vectors", self.vectors)
        weights = graph.op("Unsqueeze", graph.decayed_weights(1.0), graph.integers(1))
        query = graph.op("MatMul", weights, graph.op("Gather", table, graph.history, axis=0))
        products = graph.op("Gemm", graph.op("Squeeze", query, graph.integers(1)), table, transB=1)
        return graph.op("Relu", products)


def vectors_model(*, items: int, dimensions: int) -> VectorsModel:
    vectors = np.random.default_rng(0).standard_normal((items + 1, dimensions), np.float32)
    vectors[0] = 0
    return VectorsModel(settings=BuyAgain(), items=items, vectors=vectors)


def rows_model(*, items: int, targets: int) -> ItemRowsModel:
    rng = np.random.default_rng(0)
    target = rng.integers(1, items + 1, (items + 1, targets), np.int32)
    value = rng.random((items + 1, targets), np.float32)
    target[0], value[0] = 0, 0
    rows = ItemRows(row_of=np.arange(items + 1, dtype=np.int32), target=target, value=value)
    return ItemRowsModel(settings=BuyAgain(), items=items, rows=rows)


def random_histories(*, items: int, rows: int) -> Histories:
    rng = np.random.default_rng(1)
    return Histories(
        items=rng.integers(1, items + 1, (rows, HISTORY)), weights=rng.random((rows, HISTORY), np.float32) + 0.1
    )
