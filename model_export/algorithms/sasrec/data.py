"""Training data of SASRec: windows of user sequences, batches of windows, and initial item embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy import linalg

from model_export.data.interactions import Interactions
from model_export.data.item_content import alike

TOKENS_A_BATCH = 1152
NEAREST = 50
SPAN = 10
MAX_PAIRS = 50_000_000
"""Maximum number of pairs of interactions for the initial embeddings. With more pairs, the maximum distance of a pair
is less than `SPAN`.
"""

MORE_DIMENSIONS, ITERATIONS = 16, 6
"""Additional dimensions, and iterations of the subspace iteration."""

LENGTH = 0.06
"""Norm of an item's initial embedding, divided by the square root of the embedding's size."""

Array = npt.NDArray[Any]


def windows_of(interactions: Interactions, length: int) -> list[Array]:
    """Return windows of items and weights, `(n, 2)` each, of users with at least two interactions.

    Sequences longer than `length` are split, from the end. Each interaction except the first of a user is a target in
    exactly one window.
    """
    rows = np.column_stack([interactions.item.astype(np.float64), interactions.weight])
    windows = []
    for sequence in np.split(rows, interactions.offsets[1:-1]):
        end = len(sequence)
        while end > 1:
            start = max(0, end - length)
            windows.append(sequence[start:end])
            end = start + 1 if start else 0
    return windows


def batches_of(windows: list[Array], rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
    """Yield inputs, targets and weights of the targets, `(rows, length)` each.

    The target of an input is the next item. Padding is 0. Windows in a batch have similar lengths. Batches are in
    random order.
    """
    if not windows:
        return
    lengths = np.array([len(window) for window in windows])
    order = np.argsort(lengths + rng.random(len(lengths)) * np.maximum(1, lengths * 0.2), kind="stable")
    batches: list[list[int]] = [[]]
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if batches[-1] and longest * (len(batches[-1]) + 1) > TOKENS_A_BATCH:
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    for number in rng.permutation(len(batches)):
        rows = [windows[index] for index in batches[number]]
        block = np.zeros((len(rows), max(map(len, rows)), 2))
        for row, window in enumerate(rows):
            block[row, : len(window)] = window
        items = block[:, :, 0].astype(np.int64)
        yield items[:, :-1], items[:, 1:], block[:, 1:, 1].astype(np.float32)


def spectrum(interactions: Interactions, size: int, rng: np.random.Generator) -> Array:
    """Return the initial embedding of each item, float32 `(items + 1, size)`.

    The embeddings are noise plus the strongest dimensions of a sum of two matrices: the smoothed mutual information of
    items up to `SPAN` interactions apart, and the similarity of the items' properties.
    """
    items = interactions.items
    span = max(1, min(SPAN, MAX_PAIRS // max(1, len(interactions))))
    shape = (items + 1, items + 1)
    pairs: Any = sp.csr_array(shape, dtype=np.float64)
    for gap in range(1, min(span, len(interactions) - 1) + 1):
        same = interactions.user[:-gap] == interactions.user[gap:]
        places = interactions.item[:-gap][same], interactions.item[gap:][same]
        pairs = pairs + sp.csr_array((np.full(len(places[0]), 0.7 ** (gap - 1)), places), shape=shape)
    pairs = sp.coo_array((pairs + pairs.T) / 2)
    sums, total = pairs.sum(axis=1), pairs.sum()
    chance = np.maximum(sums[pairs.row] * sums[pairs.col], 1e-9)
    values: Any = np.maximum(np.log1p(pairs.data * total / chance / 50), 0.0)
    values = sp.csr_array((values, (pairs.row, pairs.col)), shape=shape)
    nearest = alike(interactions, maximum=NEAREST)
    values = values + (nearest + nearest.T) / 2
    rank = min(size, items - 1)
    noise = rng.normal(0.0, 0.004, (items + 1, size))
    if rank >= 1 and values.nnz:
        left, strength = strongest_dimensions(sp.csr_array(values, dtype=np.float32), rank, rng)
        vectors = left * np.sqrt(strength)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        noise[:, :rank] += vectors / np.maximum(lengths, 1e-6) * LENGTH * np.sqrt(size)
    noise[0] = 0.0
    return noise.astype(np.float32)


def strongest_dimensions(matrix: sp.csr_array, rank: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return eigenvectors of a symmetric matrix, `(n, rank)`, and the absolute values of their eigenvalues, `(rank,)`.

    The eigenvalues are the largest by absolute value. The result is approximate, by subspace iteration from random
    vectors (Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 2011, algorithms 4.4 and 5.3).
    The iteration needs memory for two blocks of vectors.
    """
    size = min(matrix.shape[0], rank + MORE_DIMENSIONS)
    basis: Array = rng.normal(size=(matrix.shape[0], size)).astype(np.float32)
    for _ in range(ITERATIONS):
        basis, _ = linalg.qr(matrix @ basis, mode="economic", overwrite_a=True, check_finite=False)
    values, vectors = np.linalg.eigh(basis.T @ (matrix @ basis))
    strongest = np.argsort(-np.abs(values), kind="stable")[:rank]
    return basis @ vectors[:, strongest], np.abs(values[strongest])
