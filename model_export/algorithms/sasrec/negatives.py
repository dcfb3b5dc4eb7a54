"""Sampler of negative items for SASRec's softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model_export.data.interactions import Interactions

Array = npt.NDArray[Any]


class Negatives:
    """Negative items for the softmax: all items of a small catalogue, or a sample of a large catalogue.

    The share `popular` of a sample is drawn by the items' frequencies, and the rest uniformly.

    Attributes
    ----------
    corrections
        log(q_i * items), float32 `(items + 1,)`, where q_i is the probability of drawing item i. Training subtracts
        them from the logits of negatives, so that the expected sum over the negatives equals the sum with uniform
        draws.
    """

    def __init__(self, interactions: Interactions, *, count: int, popular: float) -> None:
        self._item, self._items = interactions.item, interactions.items
        self._count = min(count, interactions.items)
        self._popular = 0 if count >= interactions.items else int(popular * count)
        share = self._popular / self._count
        counts = np.bincount(interactions.item, minlength=interactions.items + 1)
        relative = counts * (interactions.items / max(1, len(interactions)))
        self.corrections = np.log(1.0 - share + share * np.maximum(relative, 1e-9)).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> Array:
        if self._count == self._items:
            return np.arange(1, self._items + 1)
        drawn = rng.integers(1, self._items + 1, self._count)
        drawn[: self._popular] = self._item[rng.integers(0, len(self._item), self._popular)]
        return drawn
