"""Sparse item-to-item tables: the few best targets of each source item, as rows of equal length."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from model_export.api import Model
from model_export.data.interactions import Floats, Histories, Ints
from model_export.data.top_n import kth_best
from model_export.graph.contract import Graph


@dataclasses.dataclass(frozen=True, slots=True)
class ItemRows:
    """Targets and values of each source item. Scores are the product of the decayed history and this table.

    Attributes
    ----------
    row_of
        int32 `(items + 1,)`, row of each source item. Items that are no source use row 0, which is empty.
    target
        int32 `(rows, n)`, target items. Rows with fewer than n targets are padded with item 0 and value 0.
    value
        float32 `(rows, n)`, value of each target.
    """

    row_of: npt.NDArray[np.int32]
    target: npt.NDArray[np.int32]
    value: Floats

    @classmethod
    def strongest(
        cls, blocks: Iterable[sp.csr_array], *, sources: npt.NDArray[np.int32], items: int, n: int
    ) -> ItemRows:
        """Return a table of the n largest positive values of each row.

        Parameters
        ----------
        blocks
            Tables of `items + 1` columns. Their rows belong to `sources`, in order. One block is in memory at a time.
        n
            Number of targets per row. Among equal values, the lower target is kept.
        """
        maximum = max(1, min(n, items))
        target = np.zeros((len(sources) + 1, maximum), np.int32)
        value = np.zeros((len(sources) + 1, maximum), np.float32)
        first, width = 1, 1
        for block in blocks:
            for row in np.flatnonzero(np.diff(block.indptr)).tolist():
                targets, values = best_of_row(block, row, n=maximum)
                target[first + row, : len(targets)] = targets
                value[first + row, : len(values)] = values
                width = max(width, len(values))
            first += block.shape[0]
        if first != len(sources) + 1:
            raise ValueError(f"the blocks have {first - 1} rows, expected one for each of {len(sources)} sources")
        row_of = np.zeros(items + 1, np.int32)
        row_of[sources] = np.arange(1, len(sources) + 1, dtype=np.int32)
        return cls(
            row_of=row_of, target=np.ascontiguousarray(target[:, :width]), value=np.ascontiguousarray(value[:, :width])
        )

    @classmethod
    def from_blocks(cls, blocks: Iterable[sp.csr_array], *, items: int, n: int) -> ItemRows:
        """Return a table of the n largest positive values per row, for items 1 to `items` in the order of `blocks`."""
        return cls.strongest(blocks, sources=np.arange(1, items + 1, dtype=np.int32), items=items, n=n)

    def table(self) -> sp.csr_array:
        """Return the values by source and target, float32 `(items + 1, items + 1)`."""
        target, value = self.target[self.row_of], self.value[self.row_of]
        starts = np.arange(len(self.row_of) + 1) * target.shape[1]
        table = sp.csr_array((value.ravel(), target.ravel(), starts), shape=(len(self.row_of),) * 2)
        table.eliminate_zeros()
        return table

    def score(self, histories: Histories, *, position_decay: float) -> Floats:
        """Return the product of decayed history and table, float32 `(batch, items + 1)`."""
        history = histories.matrix(columns=len(self.row_of), position_decay=position_decay)
        # Sum in float32, as in the graph. With many repeats, float64 sums differ from the graph beyond the tolerance.
        scores = np.zeros(history.shape, np.float32)
        # Unpickled arrays have their own data type object, with which `add.at` is much slower.
        value, target = self.value.view(np.float32), self.target.view(np.int32)
        for row, (start, end) in enumerate(itertools.pairwise(history.indptr.tolist())):
            sources = self.row_of[history.indices[start:end]]
            values = value[sources] * history.data[start:end, None]
            np.add.at(scores[row], target[sources].ravel(), values.ravel())
        return scores

    def export(self, graph: Graph, *, name: str, position_decay: float) -> str:
        source = graph.op("Gather", graph.weight(f"{name}.row_of", self.row_of), graph.history, axis=0)
        targets = graph.op("Gather", graph.weight(f"{name}.target", self.target), source, axis=0)  # [B, L, n]
        values = graph.op("Gather", graph.weight(f"{name}.value", self.value), source, axis=0)
        decayed = graph.decayed_weights(position_decay, masked=False)  # the row of the padding is empty
        weights = graph.op("Unsqueeze", decayed, graph.integers(2))
        return graph.add_by_item(targets, graph.op("Mul", values, weights))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemRowsModel(Model):
    """Model whose scores are the product of the decayed history and `rows`."""

    rows: ItemRows

    def score(self, histories: Histories) -> Floats:
        return self.rows.score(histories, position_decay=self.settings.position_decay)

    def single_item_scores(self, *, maximum: int) -> sp.csr_array:
        return self.rows.table()

    def export(self, graph: Graph) -> str:
        return self.rows.export(graph, name=self.settings.name, position_decay=self.settings.position_decay)


def diagonal(values: Floats) -> sp.csr_array:
    """Return a diagonal table of `(items + 1,)` values. The value of item 0 is omitted."""
    items = np.arange(1, len(values))
    return sp.csr_array((values[1:], (items, items)), shape=(len(values),) * 2)


def source_blocks(counts: Ints, *, maximum: int) -> Iterator[range]:
    """Yield ranges of items, starting from 1, with a total count of at most `maximum`.

    A range of a single item may have more.

    Parameters
    ----------
    counts
        Count of each item, `(items + 1,)`.
    """
    totals = np.cumsum(counts)
    first = 1
    while first < len(counts):
        last = max(first + 1, int(np.searchsorted(totals, totals[first - 1] + maximum, side="right")))
        yield range(first, last)
        first = last


def best_of_row(table: sp.csr_array, row: int, *, n: int) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return the n largest positive values of a row and their targets, largest first."""
    start, end = table.indptr[row], table.indptr[row + 1]
    targets, values = table.indices[start:end], table.data[start:end].astype(np.float32)
    if len(values) > n:
        near = np.flatnonzero(values >= kth_best(values, n))
        values, targets = values[near], targets[near]
    order = np.lexsort((targets, -values))[:n]
    order = order[values[order] > 0]
    return targets[order], values[order]
