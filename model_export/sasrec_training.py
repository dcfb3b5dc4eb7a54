"""Trains SASRec's network in torch, on processors without a graphics card.

What makes that possible in minutes: batches of sequences of like length, negatives that a whole batch shares, dropout
masks cut from one long random vector, and item vectors that start from the spectrum of the transitions instead of
noise, which comes to the same quality in a third of the epochs. What is kept is the moving average of the weights.

References
----------
W.-C. Kang, J. McAuley, "Self-attentive sequential recommendation", ICDM 2018 (the model, targets shifted by one);
A. Klenitskiy, A. Vasilev, "Turning dross into gold loss: is BERT4Rec really better than SASRec?", RecSys 2023 (softmax
over sampled negatives); F. Borisyuk et al., "LiRank: industrial large scale ranking models at LinkedIn", KDD 2024, and
its LiGR layers (gated residuals).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from scipy.sparse.linalg import svds
from torch import nn
from torch.nn import functional

from model_export.checkpoints import checkpoint
from model_export.interactions import Interactions
from model_export.item_content import alike

if TYPE_CHECKING:
    from model_export.algorithms.sasrec import Sasrec

log = logging.getLogger(__name__)

MASK_NUMBERS = 1 << 23
"""Random numbers that dropout masks are cut from."""

TOKENS_A_BATCH = 1152
NEAREST = 50
LENGTH = 0.06
"""Of an item's first vector, times the square root of its size."""

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Trained:
    """What was learned after some epochs: the network's arrays by name."""

    arrays: dict[str, Array]
    epochs: int


class Network(nn.Module):
    """One layer of attention with gated residuals over the items' vectors and positions."""

    def __init__(self, settings: Sasrec, items: int) -> None:
        super().__init__()
        size = settings.size
        self.heads, self.dropout = settings.heads, settings.dropout
        self.item = nn.Embedding(items + 1, size, padding_idx=0)
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

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Return what follows each place: int64 [batch, length], padded on the right, to [batch, length, size]."""
        batch, length = items.shape
        x = self._drop(self.item(items) + self.position.weight[:length])
        heads = self.attend(self.norm_attention(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        attention = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        attention = self._drop(self.attended(attention.transpose(1, 2).reshape(batch, length, -1)))
        x = x + torch.sigmoid(self.gate_attention(x)) * attention
        up, gate = self.feed(self.norm_feed(x)).chunk(2, dim=-1)
        fed = self._drop(self.fed(self._drop(functional.silu(gate) * up)))
        return self.norm_out(x + torch.sigmoid(self.gate_feed(x)) * fed)  # type: ignore[no-any-return]

    def _drop(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.dropout:
            return values
        if values.numel() >= MASK_NUMBERS:
            return functional.dropout(values, self.dropout)
        start = int(torch.randint(MASK_NUMBERS - values.numel(), ()))
        return values * self.mask[start : start + values.numel()].view(values.shape)  # type: ignore[index]


def train(interactions: Interactions, settings: Sasrec, *, epochs: int) -> Iterator[Trained]:
    """Yield what is learned, after every `settings.judge_every` epochs and after the last.

    Where checkpoints are kept, training goes on from the one that there is; what it had yielded before comes no more.
    """
    torch.set_num_threads(1)  # these matrices are too small to share
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    windows = _windows(interactions, settings.length + 1)
    network = Network(settings, interactions.items)
    with torch.no_grad():
        network.item.weight.copy_(torch.from_numpy(_spectrum(interactions, settings.size, rng)))
    state = _State(network, settings, rng)
    saved = checkpoint(settings, interactions)
    if saved is not None and saved.is_file():
        state.restore(saved)
        log.info("sasrec: goes on after epoch %d", state.epoch)
        if state.epoch >= epochs:
            yield state.trained()
    while state.epoch < epochs:
        started = time.perf_counter()
        loss = state.train_epoch(windows, items=interactions.items)
        log.info("sasrec: epoch %d, loss %.4f, %.1f s", state.epoch, loss, time.perf_counter() - started)
        if state.epoch % settings.judge_every == 0 or state.epoch == epochs:
            if saved is not None:
                state.save(saved)
            yield state.trained()


class _State:
    """All that an epoch changes."""

    def __init__(self, network: Network, settings: Sasrec, rng: np.random.Generator) -> None:
        self.network, self.settings, self.rng = network, settings, rng
        self.epoch = self.steps = 0
        self.average = [parameter.detach().clone() for parameter in network.parameters()]
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
        )

    def train_epoch(self, windows: list[Array], *, items: int) -> float:
        """See every window once; return the mean loss."""
        losses = []
        self.network.train()
        for inputs, targets, weights in _batches(windows, self.rng):
            negatives = self.rng.integers(1, items + 1, self.settings.negatives)
            self.optimizer.zero_grad(set_to_none=True)
            loss = _loss(self.network, inputs, targets, weights, negatives)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.steps += 1
            kept = min(self.settings.averaging, (1 + self.steps) / (10 + self.steps))
            with torch.no_grad():
                trained = [parameter.data for parameter in self.network.parameters()]
                torch._foreach_lerp_(self.average, trained, 1 - kept)
            losses.append(loss.item())
        self.epoch += 1
        return float(np.mean(losses or 0.0))

    def trained(self) -> Trained:
        """Return the averaged arrays."""
        names = [name for name, _ in self.network.named_parameters()]
        arrays = {name: values.numpy().copy() for name, values in zip(names, self.average, strict=True)}
        return Trained(arrays=arrays, epochs=self.epoch)

    def save(self, path: Path) -> None:
        """Write everything; the file is whole or not there."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "epoch": self.epoch,
            "steps": self.steps,
            "random": torch.get_rng_state(),
            "generator": json.dumps(self.rng.bit_generator.state),
        }
        unfinished = path.with_suffix(".unfinished")
        torch.save(state, unfinished)
        unfinished.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.epoch, self.steps = state["average"], state["epoch"], state["steps"]
        torch.set_rng_state(state["random"])
        self.rng.bit_generator.state = json.loads(state["generator"])


def _loss(network: Network, inputs: Array, targets: Array, weights: Array, negatives: Array) -> torch.Tensor:
    """Softmax of each target among the shared negatives, weighted; targets that are negatives are left out of these."""
    present = torch.from_numpy(targets > 0)
    wanted = torch.from_numpy(targets)[present]
    hidden = network(torch.from_numpy(inputs))[present]
    drawn = torch.from_numpy(negatives)
    positive = (hidden * network.item(wanted)).sum(-1, keepdim=True)
    others = (hidden @ network.item(drawn).T).masked_fill(drawn[None] == wanted[:, None], -1e9)
    logits = torch.cat([positive, others], dim=1)
    losses = functional.cross_entropy(logits, torch.zeros(len(wanted), dtype=torch.long), reduction="none")
    share = torch.from_numpy(weights)[present]
    return (losses * share).sum() / share.sum()


def _windows(interactions: Interactions, length: int) -> list[Array]:
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


def _batches(windows: list[Array], rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array]]:
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


def _spectrum(interactions: Interactions, size: int, rng: np.random.Generator) -> Array:
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
