"""Softmax loss over sampled items, and the sampler of these items.

Targets are processed in chunks so that the logits fit in the processor's cache. torch would keep the logits of all
targets, and copy them for each step of the loss and of its gradient. This module takes a third of the time that torch
takes with 2,048 negatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from model_export.algorithms.sasrec.inference import NEVER
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


BATCH_ROWS = 128


class SampledSoftmax(torch.autograd.Function):  # type: ignore[misc]
    """Weighted sum over targets of -log softmax among the target and all negatives, as an autograd function."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        positives: torch.Tensor,
        negatives: torch.Tensor,
        corrections: torch.Tensor,
        same: tuple[torch.Tensor, torch.Tensor],
        weights: torch.Tensor,
    ) -> torch.Tensor:
        """Return the weighted sum and store its gradients.

        Parameters
        ----------
        hidden, positives
            The network's outputs and the targets' vectors, `(n, size)`.
        negatives, corrections
            Vectors of the negatives, `(m, size)`, and the corrections subtracted from their logits, `(m,)`.
        same
            Item numbers of the targets, `(n,)`, and of the negatives, `(m,)`. A negative equal to the target is
            ignored.
        weights
            Weights of the targets, `(n,)`.
        """
        hidden_gradient, positive_gradient = torch.empty_like(hidden), torch.empty_like(positives)
        negative_gradient = torch.zeros_like(negatives)
        loss = hidden.new_zeros(())
        targets, others = same
        for start in range(0, len(hidden), BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            follows, wanted, weight = hidden[rows], positives[rows], weights[rows, None]
            positive = (follows * wanted).sum(1, keepdim=True)
            logits = torch.addmm(-corrections, follows, negatives.T)
            logits.masked_fill_(targets[rows, None] == others, NEVER)
            largest = torch.maximum(positive, logits.amax(1, keepdim=True))
            logits.sub_(largest).exp_()
            share = (positive - largest).exp_()
            total = logits.sum(1, keepdim=True) + share
            loss += (weight * (total.log() + largest - positive)).sum()
            logits.mul_(weight / total)
            surprise = weight * (share / total - 1)
            torch.addmm(surprise * wanted, logits, negatives, out=hidden_gradient[rows])
            torch.mul(surprise, follows, out=positive_gradient[rows])
            negative_gradient.addmm_(logits.T, follows)
        ctx.save_for_backward(hidden_gradient, positive_gradient, negative_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return *(gradient * each for each in ctx.saved_tensors), None, None, None
