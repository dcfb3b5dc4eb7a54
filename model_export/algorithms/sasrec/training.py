"""Training of SASRec's network in torch, on processors without a graphics card.

The sequences of a batch have similar lengths and share their negatives. Dropout masks are usually cut from one long
random vector. Item vectors start from `spectrum` instead of only noise, which saves two thirds of the epochs. The
result is the moving average of the weights.

Two threads compute the gradients of half of a batch each. The halves have their own dropout masks and are added in a
fixed order, so that the result does not depend on the number of processors.

References
----------
W.-C. Kang, J. McAuley, "Self-attentive sequential recommendation", ICDM 2018 (the model, targets shifted by one);
A. Klenitskiy, A. Vasilev, "Turning dross into gold loss: is BERT4Rec really better than SASRec?", RecSys 2023 (softmax
over sampled negatives); X. Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations",
RecSys 2019 (logits of negatives corrected by their probability); F. Borisyuk et al., "LiRank: industrial large scale
ranking models at LinkedIn", KDD 2024, and its LiGR layers (gated residuals).
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import logging
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from model_export.algorithms.sasrec.data import Array, batches_of, spectrum, windows_of
from model_export.algorithms.sasrec.embedding_optimizer import BETAS, ItemVectors
from model_export.algorithms.sasrec.sampled_softmax import Negatives, SampledSoftmax
from model_export.data.interactions import Interactions
from model_export.processes import checkpoints

if TYPE_CHECKING:
    from model_export.algorithms.sasrec.model import Sasrec

log = logging.getLogger(__name__)

MASK_NUMBERS = 1 << 23
"""Number of random numbers from which dropout masks are cut."""

HALVES = slice(0, None, 2), slice(1, None, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Trained:
    """Moving averages of the network's arrays by parameter name, and the mean loss of the latest epoch."""

    arrays: dict[str, Array]
    epochs: int
    loss: float = math.nan


class Network(nn.Module):
    """Network with one layer of attention with gated residuals over the vectors of items and positions."""

    def __init__(self, settings: Sasrec) -> None:
        super().__init__()
        size = settings.size
        self.heads, self.dropout = settings.heads, settings.dropout
        self.position = nn.Embedding(settings.length, size)
        self.norm_attention, self.norm_feed, self.norm_out = (nn.LayerNorm(size) for _ in range(3))
        self.attend = nn.Linear(size, 3 * size)
        self.attended = nn.Linear(size, size)
        self.gate_attention, self.gate_feed = nn.Linear(size, size), nn.Linear(size, size)
        self.feed = nn.Linear(size, 2 * settings.feed * size, bias=False)
        self.fed = nn.Linear(settings.feed * size, size, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.position.weight, std=0.02)
        mask = (torch.rand(MASK_NUMBERS) >= self.dropout).float() / (1.0 - self.dropout)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, vectors: torch.Tensor, random: torch.Generator | None = None) -> torch.Tensor:
        """Return the outputs, `[batch, length, size]`, from item vectors `[batch, length, size]`, padded right."""
        batch, length, _ = vectors.shape

        def drop(values: torch.Tensor) -> torch.Tensor:
            return self._drop(values, random)

        x = drop(vectors + self.position.weight[:length])
        heads = self.attend(self.norm_attention(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        attention = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        attention = drop(self.attended(attention.transpose(1, 2).reshape(batch, length, -1)))
        x = x + torch.sigmoid(self.gate_attention(x)) * attention
        up, gate = self.feed(self.norm_feed(x)).chunk(2, dim=-1)
        fed = drop(self.fed(drop(functional.silu(gate) * up)))
        return self.norm_out(x + torch.sigmoid(self.gate_feed(x)) * fed)  # type: ignore[no-any-return]

    def _drop(self, values: torch.Tensor, random: torch.Generator | None) -> torch.Tensor:
        if not self.training or not self.dropout:
            return values
        if (numbers := values.numel()) >= MASK_NUMBERS:
            return values * (torch.rand(values.shape, generator=random) >= self.dropout) / (1.0 - self.dropout)
        start = int(torch.randint(MASK_NUMBERS - numbers, (), generator=random))
        return values * self.mask[start : start + numbers].view(values.shape)  # type: ignore[index]


def train(interactions: Interactions, settings: Sasrec, *, epochs: int) -> Iterator[Trained]:
    """Yield the arrays after every `settings.judge_every` epochs and after the last epoch.

    If a checkpoint is stored, training resumes from it and first yields the arrays of this checkpoint.
    """
    settings = dataclasses.replace(settings, size=settings.size_of(interactions.items))
    rng = np.random.default_rng(settings.seed)
    state = _State(interactions, settings, rng, vectors=spectrum(interactions, settings.size, rng))
    saved = checkpoints.checkpoint(dataclasses.replace(settings, epochs=epochs), interactions)
    if saved is not None and saved.is_file():
        state.restore(saved.read_bytes())
        log.info("sasrec: continues after epoch %d", state.epoch)
        yield state.trained()
    while state.epoch < epochs:
        started = time.perf_counter()
        state.train_epoch()
        log.info("sasrec: epoch %d, loss %.4f, %.1f s", state.epoch, state.loss, time.perf_counter() - started)
        if state.epoch % settings.judge_every == 0 or state.epoch == epochs:
            yield state.trained()
            # The caller has now stored the evaluations of all earlier arrays. A resumed training yields the latest
            # arrays again, but no earlier arrays.
            if saved is not None:
                checkpoints.write(state.dump(), saved)


class _State:
    def __init__(
        self, interactions: Interactions, settings: Sasrec, rng: np.random.Generator, *, vectors: Array
    ) -> None:
        torch.set_num_threads(1)  # per operation: the matrices are too small for more
        torch.manual_seed(settings.seed)
        self.settings, self.rng = settings, rng
        self.items, self.windows = interactions.items, windows_of(interactions, settings.length + 1)
        self.network = Network(settings)
        self.vectors = ItemVectors(torch.from_numpy(vectors))
        self.negatives = Negatives(interactions, count=settings.negatives, popular=settings.popular)
        self.epoch = self.steps = 0
        self.loss = math.nan
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, betas=BETAS, weight_decay=0.0, fused=True
        )
        self.average = [parameter.detach().clone() for parameter in self.network.parameters()]

    def train_epoch(self) -> None:
        with ThreadPoolExecutor(len(HALVES)) as threads:
            self._train_epoch(threads)

    def _train_epoch(self, threads: ThreadPoolExecutor) -> None:
        losses = []
        self.network.train()
        for inputs, targets, weights in batches_of(self.windows, self.rng):
            negatives = self.negatives.draw(self.rng)
            items = np.unique(np.concatenate([inputs, targets, negatives], axis=None))
            touched = torch.from_numpy(items)
            vectors = self.vectors.of(touched)
            batch = Batch(
                inputs=torch.from_numpy(np.searchsorted(items, inputs)),
                targets=torch.from_numpy(np.searchsorted(items, targets)),
                negatives=torch.from_numpy(np.searchsorted(items, negatives)),
                weights=torch.from_numpy(weights * (targets > 0)),
                corrections=torch.from_numpy(self.negatives.corrections[negatives]),
            )
            seeds = self.rng.integers(1 << 62, size=len(HALVES)).tolist()
            half = functools.partial(self._differentiated, vectors, batch)
            halves = list(threads.map(half, HALVES[: len(inputs)], seeds))
            loss, gradient, *gradients = (sum(each[1:], each[0]) for each in zip(*halves, strict=True))
            for parameter, of_parameter in zip(self.network.parameters(), gradients, strict=True):
                parameter.grad = of_parameter
            self.steps += 1
            kept = min(self.settings.averaging, (1 + self.steps) / (10 + self.steps))
            self.vectors.step(touched, gradient, learning_rate=self.settings.learning_rate, kept=kept)
            self.optimizer.step()
            with torch.no_grad():
                trained = [parameter.data for parameter in self.network.parameters()]
                torch._foreach_lerp_(self.average, trained, 1 - kept)
            losses.append(loss.item())
        self.epoch += 1
        self.loss = float(np.mean(losses or 0.0))

    def _differentiated(self, vectors: torch.Tensor, batch: Batch, rows: slice, seed: int) -> tuple[torch.Tensor, ...]:
        """Return the loss of some rows of a batch, and its gradients for the vectors and the network's parameters."""
        loss = _loss(self.network, vectors, batch, rows=rows, random=torch.Generator().manual_seed(seed))
        return loss.detach(), *torch.autograd.grad(loss, [vectors, *self.network.parameters()])

    def trained(self) -> Trained:
        names = [name for name, _ in self.network.named_parameters()]
        arrays = {name: values.numpy().copy() for name, values in zip(names, self.average, strict=True)}
        arrays["item.weight"] = self.vectors.averaged().numpy()
        return Trained(arrays=arrays, epochs=self.epoch, loss=self.loss)

    def dump(self) -> bytes:
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "vectors": self.vectors.state(),
            "epoch": self.epoch,
            "steps": self.steps,
            "generator": json.dumps(self.rng.bit_generator.state),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        return buffer.getvalue()

    def restore(self, dumped: bytes) -> None:
        state = torch.load(io.BytesIO(dumped), weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.vectors.restore(state["vectors"])
        self.average, self.epoch, self.steps = state["average"], state["epoch"], state["steps"]
        self.rng.bit_generator.state = json.loads(state["generator"])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Batch of training sequences. An item is given as its row in the vectors of the batch's distinct items.

    Attributes
    ----------
    inputs, targets
        Items, int64 `(rows, length)`.
    negatives
        Items, int64 `(n,)`, shared by all targets.
    weights
        Weights of the targets, float32 `(rows, length)`, 0 for padding.
    corrections
        Corrections of the negatives' logits, float32 `(n,)`, see `Negatives`.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    negatives: torch.Tensor
    weights: torch.Tensor
    corrections: torch.Tensor


def _loss(
    network: Network, vectors: torch.Tensor, batch: Batch, *, rows: slice, random: torch.Generator
) -> torch.Tensor:
    """Return the weighted softmax loss of the targets in `rows` among the shared negatives.

    Negatives that equal the target are ignored. The result is the contribution of `rows` to the batch's mean loss.
    """
    total = float(batch.weights.sum())
    weights = batch.weights[rows]
    present = weights > 0
    wanted = batch.targets[rows][present]
    hidden = network(functional.embedding(batch.inputs[rows], vectors), random)[present]
    losses = SampledSoftmax.apply(
        hidden,
        functional.embedding(wanted, vectors),
        functional.embedding(batch.negatives, vectors),
        batch.corrections,
        (wanted, batch.negatives),
        weights[present],
    )
    return losses / total  # type: ignore[no-any-return]
