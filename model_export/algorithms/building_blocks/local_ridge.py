"""Ridge regression of each item on its strongest sources: a linear model without the dense inverse.

A is the Gram matrix of the sources, R contains their products with the targets, and B is the model. In EASE, R equals
A. EASE solves (A + lambda I) B = R with an empty diagonal of B for all items at once, which costs items^3 operations
and items^2 memory. Here column j of B is solved only for the sources i with the largest R[i, j] / sqrt(A[i, i] +
lambda). This costs items * sources^3 operations and the memory of A. On sparse data the models are better, because the
omitted sources are mostly noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from model_export.data.interactions import Floats, Ints

BATCH_TARGETS = 2048


def local_ridge(gram: sp.csr_array, cross: sp.csr_array, *, ridge: float, sources: int) -> sp.csr_array:
    """Return B, `(n, n)`, a row per source, with at most `sources` values per target and an empty diagonal.

    Parameters
    ----------
    gram
        A, `(n, n)`, symmetric.
    cross
        R transposed, `(n, n)`, a row per target.
    ridge
        Lambda, above 0.
    """
    size = gram.shape[0]
    gram.sum_duplicates()  # this also sorts rows, so that scipy can find values by bisection
    diagonal = gram.diagonal()
    # scipy uses bisection only if it reads at least a tenth of the values at a time. Otherwise it scans whole rows.
    at_once = max(BATCH_TARGETS, gram.nnz // (10 * sources**2) + 1)
    pieces = [
        _solve(gram, *_selected(cross, diagonal, range(first, min(size, first + at_once)), ridge, sources), ridge)
        for first in range(0, size, at_once)
    ]
    source, target, value = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return sp.csr_array((value, (source, target)), shape=(size, size))


def _selected(
    cross: sp.csr_array, diagonal: Floats, targets: range, ridge: float, maximum: int
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Return the targets that have sources, their strongest sources (padded with -1), and the right-hand sides."""
    with_any, sources, wanted = [], [], []
    for target in targets:
        start, end = cross.indptr[target], cross.indptr[target + 1]
        candidates, values = cross.indices[start:end], cross.data[start:end]
        strength = np.where(candidates == target, 0.0, values / np.sqrt(diagonal[candidates] + ridge))
        near = np.flatnonzero(strength > 0)
        if not len(near):
            continue
        if len(near) > maximum:
            lowest = np.partition(strength[near], len(near) - maximum)[len(near) - maximum]
            near = near[strength[near] >= lowest]
            near = near[np.lexsort((candidates[near], -strength[near]))[:maximum]]
        row, right = np.full(maximum, -1, np.int64), np.zeros(maximum)
        row[: len(near)], right[: len(near)] = candidates[near], values[near]
        with_any.append(target)
        sources.append(row)
        wanted.append(right)
    shape = (len(with_any), maximum)
    return np.array(with_any, np.int64), np.array(sources, np.int64).reshape(shape), np.array(wanted).reshape(shape)


def _solve(
    gram: sp.csr_array, targets: Ints, sources: Ints, wanted: npt.NDArray[np.float64], ridge: float
) -> tuple[Ints, Ints, Floats]:
    """Return the sources, targets and values of the solved columns."""
    if not len(targets):
        return targets, targets, np.zeros(0, np.float32)
    maximum = sources.shape[1]
    present = sources >= 0
    items = np.where(present, sources, 0)
    values = gram[np.repeat(items, maximum, axis=1).ravel(), np.tile(items, (1, maximum)).ravel()]
    system = values.reshape(-1, maximum, maximum).astype(np.float64)
    system *= present[:, :, None] & present[:, None, :]
    system[:, np.arange(maximum), np.arange(maximum)] += ridge  # also for missing sources, whose values are then 0
    solved = np.linalg.solve(system, wanted[:, :, None])[:, :, 0]
    return sources[present], np.repeat(targets, present.sum(axis=1)), solved[present].astype(np.float32)
