"""Item vectors in training: Adam and a moving average, at a cost proportional to the number of items in a batch.

Like torch's `SparseAdam`, a step changes only the vectors, moments and averages of the items in the batch. Vectors of
other items do not change, so their averages are updated in closed form when they are next in a batch. After steps
that keep shares k_1 ... k_n of an average, average = vector + (average - vector) * k_1 * ... * k_n.

References
----------
D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
"""

from __future__ import annotations

import math

import torch

BETAS = (0.9, 0.98)
EPSILON = 1e-8


class ItemVectors:
    """Vectors, moments and averages of items, float32 `(items + 1, size)`. Row 0 is padding.

    Attributes
    ----------
    steps
        Number of completed steps.
    log_kept
        Sum of log(k) over all steps; the module's docstring explains k.
    averaged_at
        `log_kept` at the last update of each item's average, float64 `(items + 1,)`.
    """

    def __init__(self, vectors: torch.Tensor) -> None:
        self.vectors = vectors
        self.means, self.squares = torch.zeros_like(vectors), torch.zeros_like(vectors)
        self.averages = vectors.clone()
        self.steps, self.log_kept = 0, 0.0
        self.averaged_at = torch.zeros(len(vectors), dtype=torch.float64)

    def of(self, items: torch.Tensor) -> torch.Tensor:
        """Return the vectors of items, `(n, size)`, for autograd. `step` applies their gradient."""
        return self.vectors[items].requires_grad_()

    def step(self, items: torch.Tensor, gradient: torch.Tensor, *, learning_rate: float, kept: float) -> None:
        """Update the vectors of distinct items.

        Parameters
        ----------
        gradient
            Gradient of the vectors, `(n, size)`.
        kept
            Share of the moving average that is kept, above 0.
        """
        self.steps += 1
        unbiased = [1.0 - beta**self.steps for beta in BETAS]
        means = self.means[items].lerp_(gradient, 1.0 - BETAS[0])
        squares = self.squares[items].lerp_(gradient.square(), 1.0 - BETAS[1])
        before = self.vectors[items]
        after = before - learning_rate / unbiased[0] * means / ((squares / unbiased[1]).sqrt_() + EPSILON)
        averages = self._averages(items, before).mul_(kept).add_(after, alpha=1.0 - kept)
        self.log_kept += math.log(kept)
        self.averaged_at[items] = self.log_kept
        for table, rows in ((self.means, means), (self.squares, squares), (self.vectors, after)):
            table[items] = rows
        self.averages[items] = averages

    def averaged(self) -> torch.Tensor:
        return self._averages(torch.arange(len(self.vectors)), self.vectors)

    def state(self) -> dict[str, torch.Tensor | float]:
        return dict(vars(self))

    def restore(self, state: dict[str, torch.Tensor | float]) -> None:
        vars(self).update(state)

    def _averages(self, items: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        left = torch.exp(self.log_kept - self.averaged_at[items]).float()[:, None]
        return vectors + (self.averages[items] - vectors) * left
