"""Softmax loss over sampled items. Targets are processed in chunks so that the logits fit in the processor's cache.

torch would keep the logits of all targets, and copy them for each step of the loss and of its gradient. This module
takes a third of the time that torch takes with 2,048 negatives.
"""

from __future__ import annotations

from typing import Any

import torch

from model_export.algorithms.sasrec.inference import NEVER

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
