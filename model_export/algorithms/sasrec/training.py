"""Training of SASRec's network in torch, on processors without a graphics card.

The sequences of a batch have similar lengths and share their negatives. Dropout masks are usually cut from one long
random vector. Item vectors start from `spectrum` instead of only noise, which saves two thirds of the epochs. The
result is the moving average of the weights.

Several processes (`model_export.processes.peers`) share each batch. They draw the same batches, negatives and dropout
masks. Each process computes some of the rows, and gradients are summed. The result equals the result of a single
process up to rounding.

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
import io
import itertools
import json
import logging
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from model_export.algorithms.sasrec.data import Array, batches_of, spectrum, windows_of
from model_export.algorithms.sasrec.embedding_optimizer import BETAS, ItemVectors
from model_export.algorithms.sasrec.negatives import Negatives
from model_export.algorithms.sasrec.sampled_softmax import SampledSoftmax
from model_export.data.interactions import Interactions
from model_export.processes import checkpoints, peers

if TYPE_CHECKING:
    from model_export.algorithms.sasrec.model import Sasrec

log = logging.getLogger(__name__)

MASK_NUMBERS = 1 << 23
"""Number of random numbers from which dropout masks are cut."""

ALL = slice(None)


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

    def forward(self, vectors: torch.Tensor, rows: slice = ALL) -> torch.Tensor:
        """Return the outputs of some rows, `[rows, length, size]`, from item vectors `[batch, length, size]`, padded
        right.

        The dropout masks of `rows` do not depend on the selection of rows.
        """
        batch_size, vectors = len(vectors), vectors[rows]
        batch, length, _ = vectors.shape

        def drop(values: torch.Tensor) -> torch.Tensor:
            return self._drop(values, batch_size, rows)

        x = drop(vectors + self.position.weight[:length])
        heads = self.attend(self.norm_attention(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        attention = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        attention = drop(self.attended(attention.transpose(1, 2).reshape(batch, length, -1)))
        x = x + torch.sigmoid(self.gate_attention(x)) * attention
        up, gate = self.feed(self.norm_feed(x)).chunk(2, dim=-1)
        fed = drop(self.fed(drop(functional.silu(gate) * up)))
        return self.norm_out(x + torch.sigmoid(self.gate_feed(x)) * fed)  # type: ignore[no-any-return]

    def _drop(self, values: torch.Tensor, batch_size: int, rows: slice) -> torch.Tensor:
        if not self.training or not self.dropout:
            return values
        shape = (batch_size, *values.shape[1:])
        if (numbers := math.prod(shape)) >= MASK_NUMBERS:
            return values * functional.dropout(torch.ones(shape), self.dropout)[rows]
        start = int(torch.randint(MASK_NUMBERS - numbers, ()))
        return values * self.mask[start : start + numbers].view(shape)[rows]  # type: ignore[index]


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """Message that starts a training in the other processes. The first process sends it.

    `state` is a result of `_State.dump`.
    """

    number: int
    interactions: Interactions
    settings: Sasrec
    state: bytes


_numbers = itertools.count()


def train(interactions: Interactions, settings: Sasrec, *, epochs: int) -> Iterator[Trained]:
    """Yield the arrays after every `settings.judge_every` epochs and after the last epoch.

    If a checkpoint is stored, training resumes from it and first yields the arrays of this checkpoint. The first of
    several processes calls `train` while the other processes call `follow`. A training must end before the next
    training begins.
    """
    settings = dataclasses.replace(settings, size=settings.size_of(interactions.items))
    rng = np.random.default_rng(settings.seed)
    state = _State(interactions, settings, rng, vectors=spectrum(interactions, settings.size, rng))
    saved = checkpoints.checkpoint(dataclasses.replace(settings, epochs=epochs), interactions)
    if saved is not None and saved.is_file():
        state.restore(saved.read_bytes())
        log.info("sasrec: continues after epoch %d", state.epoch)
        yield state.trained()
    number = next(_numbers)
    if state.epoch < epochs and state.peers.size > 1:
        state.peers.tell(Work(number, dataclasses.replace(interactions, content=None), settings, state.dump()))
    while state.epoch < epochs:
        started = time.perf_counter()
        state.peers.tell(number)
        state.train_epoch()
        log.info("sasrec: epoch %d, loss %.4f, %.1f s", state.epoch, state.loss, time.perf_counter() - started)
        if state.epoch % settings.judge_every == 0 or state.epoch == epochs:
            yield state.trained()
            # The caller has now stored the evaluations of all earlier arrays. A resumed training yields the latest
            # arrays again, but no earlier arrays.
            if saved is not None:
                checkpoints.write(state.dump(), saved)


def follow() -> None:
    """Compute this process's rows of each batch, in all trainings of the first process, until that process ends."""
    number = state = None
    while (heard := peers.current().hear()) is not None:
        if isinstance(heard, Work):
            number, state = heard.number, _State(heard.interactions, heard.settings, np.random.default_rng())
            state.restore(heard.state)
        elif state is None or heard != number:
            raise ValueError(f"training {heard} goes on, expected {number}, which has begun last: they interleave")
        else:
            state.train_epoch()


class _State:
    def __init__(
        self, interactions: Interactions, settings: Sasrec, rng: np.random.Generator, *, vectors: Array | None = None
    ) -> None:
        torch.set_num_threads(1)  # the matrices are too small for several threads
        torch.manual_seed(settings.seed)
        self.settings, self.rng, self.peers = settings, rng, peers.current()
        self.items, self.windows = interactions.items, windows_of(interactions, settings.length + 1)
        self.network = Network(settings)
        first = torch.zeros(interactions.items + 1, settings.size) if vectors is None else torch.from_numpy(vectors)
        self.vectors = ItemVectors(first)
        self.negatives = Negatives(interactions, count=settings.negatives, popular=settings.popular)
        self.epoch = self.steps = 0
        self.loss = math.nan
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, betas=BETAS, weight_decay=0.0, fused=True
        )
        self.average = [parameter.detach().clone() for parameter in self.network.parameters()]

    def train_epoch(self) -> None:
        losses = []
        self.network.train()
        for inputs, targets, weights in batches_of(self.windows, self.rng):
            negatives = self.negatives.draw(self.rng)
            items = np.unique(np.concatenate([inputs, targets, negatives], axis=None))
            touched = torch.from_numpy(items)
            vectors = self.vectors.of(touched)
            self.optimizer.zero_grad(set_to_none=True)
            loss = _loss(
                self.network,
                vectors,
                Batch(
                    inputs=torch.from_numpy(np.searchsorted(items, inputs)),
                    targets=torch.from_numpy(np.searchsorted(items, targets)),
                    negatives=torch.from_numpy(np.searchsorted(items, negatives)),
                    weights=torch.from_numpy(weights * (targets > 0)),
                    corrections=torch.from_numpy(self.negatives.corrections[negatives]),
                ),
                rows=self.peers.mine,
            )
            loss.backward()  # type: ignore[no-untyped-call]
            leaves = vectors, *self.network.parameters()
            gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
            if self.peers.size > 1:
                loss = self._add_up([loss.detach(), *gradients])
            self.steps += 1
            kept = min(self.settings.averaging, (1 + self.steps) / (10 + self.steps))
            self.vectors.step(touched, gradients[0], learning_rate=self.settings.learning_rate, kept=kept)
            self.optimizer.step()
            with torch.no_grad():
                trained = [parameter.data for parameter in self.network.parameters()]
                torch._foreach_lerp_(self.average, trained, 1 - kept)
            losses.append(loss.item())
        self.epoch += 1
        self.loss = float(np.mean(losses or 0.0))

    def _add_up(self, values: list[torch.Tensor]) -> torch.Tensor:
        """Sum the losses and gradients of all processes in place, and return the loss."""
        sums = torch.cat([each.flatten() for each in values])
        self.peers.add_up(sums)
        for each, summed in zip(values, torch.split(sums, [each.numel() for each in values]), strict=True):
            each.copy_(summed.view_as(each))
        return values[0]

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
            "random": torch.get_rng_state(),
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
        torch.set_rng_state(state["random"])
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


def _loss(network: Network, vectors: torch.Tensor, batch: Batch, *, rows: slice) -> torch.Tensor:
    """Return the weighted softmax loss of the targets in `rows` among the shared negatives.

    Negatives that equal the target are ignored. The result is the contribution of `rows` to the batch's mean loss.
    """
    total = float(batch.weights.sum())
    if not len(batch.inputs[rows]):
        # One row with a loss of 0 makes this process draw random numbers, as the other processes do.
        rows, total = slice(1), math.inf
    weights = batch.weights[rows]
    present = weights > 0
    wanted = batch.targets[rows][present]
    hidden = network(functional.embedding(batch.inputs, vectors), rows)[present]
    losses = SampledSoftmax.apply(
        hidden,
        functional.embedding(wanted, vectors),
        functional.embedding(batch.negatives, vectors),
        batch.corrections,
        (wanted, batch.negatives),
        weights[present],
    )
    return losses / total  # type: ignore[no-any-return]
