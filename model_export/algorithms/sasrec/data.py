"""Training data of SASRec: windows of the users' sequences, batches of these, and the items' first vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from model_export.data.interactions import Interactions
from model_export.data.item_content import alike

TOKENS_A_BATCH = 1152
NEAREST = 50
LENGTH = 0.06
"""Length of an item's first vector, times the square root of its size."""

Array = npt.NDArray[Any]


def windows_of(interactions: Interactions, length: int) -> list[Array]:
    """Return items and weights, `(n, 2)`, of users with at least two interactions.

    Long sequences are cut from their end, so that each interaction but the first is a target once.
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
    """Yield items, the items that follow (0: none) and these' weights, in batches of like length, in random order."""
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
    """Return a vector of each item, float32 `(items + 1, size)`.

    They span the strongest dimensions of the transitions' positive pointwise mutual information together with how much
    the items' columns are alike.
    """
    items, span = interactions.items, 10
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
    nearest = alike(interactions, most=NEAREST)
    values = values + (nearest + nearest.T) / 2
    rank = min(size, items - 1)
    noise = rng.normal(0.0, 0.004, (items + 1, size))
    if rank >= 1 and values.nnz:
        start = rng.normal(size=items + 1)
        left, strength, _ = svds(values, rank, v0=start)
        vectors = left * np.sqrt(strength)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        noise[:, :rank] += vectors / np.maximum(lengths, 1e-6) * LENGTH * np.sqrt(size)
    noise[0] = 0.0
    return noise.astype(np.float32)
