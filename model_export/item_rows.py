"""Sparse item-to-item tables: the few best targets of each source item, as rows of equal length."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from model_export.algorithm import Model
from model_export.interactions import Floats, Histories
from model_export.onnx_graph import Graph


@dataclasses.dataclass(frozen=True, slots=True)
class ItemRows:
    """Targets and values of each source item; score = decayed history times this table.

    Attributes
    ----------
    row_of
        int32 `(items + 1,)`, which row a source item has; row 0 is empty and stands for items without one.
    target
        int32 `(rows, n)`, target positions; 0 beside value 0 where a row has fewer than n.
    value
        float32 `(rows, n)`.
    """

    row_of: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    value: Floats

    @classmethod
    def strongest(cls, table: sp.csr_array, *, sources: npt.NDArray[np.int32], n: int) -> ItemRows:
        """Keep the n largest positive values of each row of `table`.

        Parameters
        ----------
        table
            `(len(sources), items + 1)`; row r belongs to item `sources[r]`.
        n
            Targets kept a row; of equal values the lower position stays.
        """
        rows, columns = table.shape
        width = max(1, min(n, int(np.diff(table.indptr).max(initial=0))))
        target = np.zeros((rows + 1, width), np.int32)
        value = np.zeros((rows + 1, width), np.float32)
        for row in range(rows):
            start, end = table.indptr[row], table.indptr[row + 1]
            values, targets = table.data[start:end], table.indices[start:end]
            if len(values) > width:
                lowest = np.partition(values, len(values) - width)[len(values) - width]
                near = np.flatnonzero(values >= lowest)
                values, targets = values[near], targets[near]
            order = np.lexsort((targets, -values))[:width]
            order = order[values[order] > 0]
            target[row + 1, : len(order)] = targets[order]
            value[row + 1, : len(order)] = values[order]
        row_of = np.zeros(columns, np.int32)
        row_of[sources] = np.arange(1, rows + 1, dtype=np.int32)
        return cls(row_of=row_of, target=target, value=value)

    @classmethod
    def of_every_item(cls, table: sp.csr_array, *, n: int) -> ItemRows:
        """Keep the n largest positive values of each row of a table of items by items, `(items + 1, items + 1)`."""
        sources = np.arange(1, table.shape[0], dtype=np.int32)
        return cls.strongest(sp.csr_array(table[1:]), sources=sources, n=n)

    def score(self, histories: Histories, *, position_decay: float) -> Floats:
        """Return decayed history times table, float32 `(batch, items + 1)`."""
        columns = len(self.row_of)
        history = histories.matrix(columns=columns, position_decay=position_decay)
        scores = (history @ self._table()).toarray()
        return np.ascontiguousarray(scores, np.float32)

    def export(self, graph: Graph, *, name: str, position_decay: float) -> str:
        """Add the same to a graph: gather the history's rows, weigh them, add them up by target."""
        source = graph.op("Gather", graph.weight(f"{name}.row_of", self.row_of), graph.history, axis=0)
        targets = graph.op("Gather", graph.weight(f"{name}.target", self.target), source, axis=0)  # [B, L, n]
        values = graph.op("Gather", graph.weight(f"{name}.value", self.value), source, axis=0)
        weights = graph.op("Unsqueeze", graph.decayed_weights(position_decay), graph.integers(2))
        return graph.add_by_item(targets, graph.op("Mul", values, weights))

    def _table(self) -> sp.csr_array:
        """Sources times targets, `(items + 1, items + 1)`."""
        columns, n = len(self.row_of), self.target.shape[1]
        target, value = self.target[self.row_of].ravel(), self.value[self.row_of].ravel()
        indptr = np.arange(0, columns * n + 1, n)
        return sp.csr_array((value, target, indptr), shape=(columns, columns))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemRowsModel(Model):
    """A model whose scores are the decayed history times `rows`."""

    rows: ItemRows

    def score(self, histories: Histories) -> Floats:
        """Return decayed history times the table."""
        return self.rows.score(histories, position_decay=self.settings.position_decay)

    def export(self, graph: Graph) -> str:
        """Add the same to the graph."""
        return self.rows.export(graph, name=self.settings.name, position_decay=self.settings.position_decay)
