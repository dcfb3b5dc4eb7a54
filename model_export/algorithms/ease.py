"""EASE: a linear model of co-occurring items, in closed form.

Each item is regressed on all other items. X has a row per user, with 1 for each item of the history. With P =
inv(X'X + lambda I), B[i, j] = -P[i, j] / P[j, j], and the diagonal of B is 0. The model keeps the largest positive
values of each row of B.

If few pairs of items co-occur, each item is regressed only on its strongest co-occurring items (`local_ridge`). This
needs memory for these pairs only, covers all items, and is cheaper and better on such data. If most pairs co-occur, as
in years of groceries, the pairs do not fit into memory. Then the dense inverse is used. It covers only the most
frequent items, because it costs items^3 operations and items^2 * 4 bytes.

If the data has fewer users than frequent items, the inverse follows from the users' Gram matrix by the Woodbury
identity, in users * items * (2 users + items) operations:

    lambda inv(X'X + lambda I) = I - X' inv(XX' + lambda I) X = I - Y'Y, Y = inv(L) X, LL' = XX' + lambda I

References
----------
H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, equation 8; W. Hager, "Updating the inverse
of a matrix", SIAM Review 1989, equation 2 (the Woodbury identity).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg.blas as blas
import scipy.linalg.lapack as lapack
import scipy.sparse as sp

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.algorithms.building_blocks.local_ridge import local_ridge
from model_export.api import Algorithm
from model_export.data.interactions import Floats, Interactions
from model_export.data.statistics import Statistics

BATCH_ITEMS = 1024

MAX_ITEMS = 100_000
"""Maximum number of items if there are more than `max_pairs` pairs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ease(Algorithm):
    """Settings of the algorithm `ease`.

    Attributes
    ----------
    ridge
        Lambda, in users.
    sources
        Number of items that each item is regressed on if there are at most `max_pairs` pairs.
    max_pairs
        Maximum number of pairs of items in a history, summed over users, for the local regression. A pair takes at most
        8 bytes. The dense inverse is used if there are more pairs.
    max_items
        Number of most frequent items in the dense inverse. Other items have the score 0.
    targets
        Number of targets per item.
    """

    name: ClassVar[str] = "ease"
    position_decay: float = 0.6
    ridge: float = 100.0
    sources: int = 32
    max_pairs: int = 50_000_000
    max_items: int = 8_000
    targets: int = 100

    def param_grid(self) -> Sequence[Self]:
        """Vary only the decay, because another ridge would require another inverse."""
        return tuple(dataclasses.replace(self, position_decay=decay) for decay in (0.6, 0.8, 0.9, 1.0))

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        """Return None for interactions with counts, because fits from statistics have no limits."""
        if interactions.counts is not None:
            return None
        if interactions.items <= MAX_ITEMS or (pairs := _pairs(interactions.matrix())) <= self.max_pairs:
            return None
        return (
            f"its limit is {self.max_pairs:,} pairs or {MAX_ITEMS:,} items, and there are {pairs:,} pairs of "
            f"{interactions.items:,} items; item_knn has no limit"
        )

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        users_items = interactions.matrix()
        if _pairs(users_items) <= self.max_pairs:
            return self._local(sp.csr_array(users_items.T @ users_items))
        counts = np.bincount(interactions.item, minlength=interactions.items + 1)[1:]
        frequent = np.sort(np.argsort(-counts, kind="stable")[: self.max_items] + 1).astype(np.int32)
        users, items = users_items.shape[0], len(frequent)
        inverse_of = _inverse_by_users if users < items else _inverse_by_items
        inverse = inverse_of(sp.csr_array(users_items[:, frequent]), ridge=self.ridge)
        table = _strongest(inverse, frequent, columns=interactions.items + 1, n=self.targets)
        rows = ItemRows.strongest([table], sources=frequent, items=interactions.items, n=self.targets)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)

    def fit_from_statistics(self, statistics: Statistics) -> ItemRowsModel:
        """Regress each item on its strongest co-occurring items, regardless of the number of pairs.

        The statistics count pairs in sessions, not in users' histories. The counts are equal if each history is one
        session. Pairs that the statistics omit have the count 0.
        """
        return self._local(statistics.gram.astype(np.float32))

    def _local(self, gram: sp.csr_array) -> ItemRowsModel:
        items = gram.shape[0] - 1
        solved = local_ridge(gram, gram, ridge=self.ridge, sources=self.sources)
        rows = ItemRows.from_blocks([sp.csr_array(solved[1:])], items=items, n=self.targets)
        return ItemRowsModel(settings=self, items=items, rows=rows)


def _pairs(users_items: sp.csr_array) -> int:
    """Return the sum over users of the squared number of distinct items."""
    return int((np.diff(users_items.indptr).astype(np.int64) ** 2).sum())


def _inverse_by_items(users_items: sp.csr_array, *, ridge: float) -> Floats:
    """Return the lower triangle of inv(X'X + ridge I), `(items, items)`. The inverse overwrites X'X to save memory."""
    size = users_items.shape[1]
    gram = np.empty((size, size), np.float32, order="F")
    items_users = sp.csr_array(users_items.T)
    for start in range(0, size, BATCH_ITEMS):
        gram[:, start : start + BATCH_ITEMS] = (items_users @ users_items[:, start : start + BATCH_ITEMS]).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(ridge)
    inverse, info = lapack.spotri(_cholesky(gram, ridge=ridge), lower=1, overwrite_c=1)
    if info:
        raise ValueError(f"X'X + {ridge} I has no inverse (LAPACK spotri: {info})")
    result: Floats = inverse
    return result


def _inverse_by_users(users_items: sp.csr_array, *, ridge: float) -> Floats:
    """Return the lower triangle of ridge * inv(X'X + ridge I), `(items, items)`, by the Woodbury identity."""
    X = users_items.toarray(order="F")  # noqa: N806  (users, items), the paper's symbol
    gram = blas.ssyrk(1.0, X, lower=1)  # (users, users)
    gram[np.diag_indices_from(gram)] += np.float32(ridge)
    Y = blas.strsm(1.0, _cholesky(gram, ridge=ridge), X, lower=1, overwrite_b=1)  # noqa: N806  (users, items)
    inverse: Floats = blas.ssyrk(-1.0, Y, trans=1, lower=1)
    inverse[np.diag_indices_from(inverse)] += np.float32(1.0)
    return inverse


def _cholesky(gram: Floats, *, ridge: float) -> Floats:
    """Return the lower factor of a Gram matrix with the ridge on its diagonal. The factor overwrites the matrix."""
    factor, info = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
    if info:
        raise ValueError(f"X'X + {ridge} I is not positive definite (LAPACK spotrf: {info}); expected a ridge above 0")
    result: Floats = factor
    return result


def _strongest(inverse: Floats, frequent: npt.NDArray[np.int32], *, columns: int, n: int) -> sp.csr_array:
    """Return at least the n largest positive values of each row of B, `(len(frequent), columns)`. Ties may add values.

    Parameters
    ----------
    inverse
        Lower triangle of P or of a multiple of P.
    """
    size = len(frequent)
    diagonal = inverse.diagonal().copy()
    rows, targets, values = [], [], []
    for start in range(0, size, BATCH_ITEMS):
        end = min(size, start + BATCH_ITEMS)
        block = np.empty((end - start, size), np.float32)
        block[:, :end] = inverse[start:end, :end]
        square = np.tril(inverse[start:end, start:end])
        block[:, start:end] = square + np.tril(square, -1).T
        block[:, end:] = inverse[end:, start:end].T
        block /= -diagonal
        block[np.arange(end - start), np.arange(start, end)] = 0.0
        if size > n:
            lowest = np.partition(block, size - n, axis=1)[:, size - n, None]
            kept = (block >= lowest) & (block > 0)
        else:
            kept = block > 0
        row, column = np.nonzero(kept)
        rows.append(row + start)
        targets.append(frequent[column])
        values.append(block[row, column])
    coordinates = (np.concatenate(rows), np.concatenate(targets))
    return sp.csr_array((np.concatenate(values), coordinates), shape=(size, columns))
