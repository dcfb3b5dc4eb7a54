"""SASRec: attention over the order of the history, trained to predict each next item.

One layer with gated residuals attends from the last interaction to the history. Score = softmax of the inner products
of its output with the items' vectors. Training (`model_export.algorithms.sasrec.training`) needs torch (`pip install
"alsolike[neural]"`); scoring and serving do not. Scores depend only on the order of the interactions with a weight
above 0, not on event weights or times. In training, the event weight of a target is its weight in the loss.

References
----------
W.-C. Kang, J. McAuley, "Self-attentive sequential recommendation", ICDM 2018.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from model_export.algorithms.sasrec.early_stopping import best_of
from model_export.algorithms.sasrec.inference import EPSILON, NEVER, follows, latest, softmax
from model_export.api import Algorithm, FitCost, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.graph.contract import Graph
from model_export.processes.checkpoints import checkpoint

MIN_INTERACTIONS = 5_000
"""Minimum number of interactions for training."""

MAX_VALUES = 64_000_000
"""Maximum number of values in all item vectors. They take 256 MB, which serving reads for each response."""

FULL_SIZE_NUMBERS = 25_600_000
"""Maximum number of values in item vectors of full size. They take 102 MB. SnapStart limits the bundle to 150 MB."""

LAYER_S, NEGATIVE_S = 1.3e-10, 9e-11
"""Processor seconds per epoch and interaction, for each value of the layer's matrices and of the negatives' vectors."""

VECTOR_S, PAIR_S = 6e-5, 8e-6
"""Processor seconds for the initial vectors, per item and per interaction."""

PROCESS_MB, NUMBER_BYTES, INTERACTION_BYTES = 400.0, 36, 200
"""Memory of a training process: a fixed part in MB, bytes per value of the item vectors, and bytes per interaction."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sasrec(Algorithm):
    """Settings of the algorithm `sasrec`.

    Attributes
    ----------
    size
        Size of item vectors. It is halved if there are many items, see `size_of`.
    heads
        Number of attention heads.
    feed
        Width of the feed-forward part as a multiple of `size`.
    length
        Number of latest interactions that are used.
    dropout
        Dropout rate in training.
    negatives
        Number of sampled negatives per batch. A smaller catalogue is used as a whole.
    popular
        Share of negatives that are drawn by popularity. The others are drawn uniformly.
    learning_rate
        Learning rate of AdamW.
    averaging
        Decay of the moving average of the weights.
    epochs
        Number of epochs of a training without early stopping.
    max_epochs, judge_every, patience
        For early stopping: maximum number of epochs, epochs between evaluations, and evaluations without improvement.
    seed
        Seed of all random numbers.
    """

    name: ClassVar[str] = "sasrec"
    needs: ClassVar[str | None] = "torch"
    inference_parameters: ClassVar[frozenset[str]] = frozenset()
    size: int = 128
    heads: int = 1
    feed: int = 1
    length: int = 100
    dropout: float = 0.5
    negatives: int = 2048
    popular: float = 0.5
    learning_rate: float = 1e-3
    averaging: float = 0.999
    epochs: int = 24
    max_epochs: int = 60
    judge_every: int = 2
    patience: int = 4
    seed: int = 0

    def fit(self, interactions: Interactions) -> SasrecModel:
        *_, last = self._trained(interactions, epochs=self.epochs)
        return last

    def fit_with_early_stopping(self, interactions: Interactions, judge: Callable[[Model], float]) -> SasrecModel:
        """Train with early stopping. The returned model's settings contain its number of epochs."""
        judged = best_of(
            self._trained(interactions, epochs=self.max_epochs),
            judge,
            patience=self.patience,
            checkpoint=checkpoint(dataclasses.replace(self, epochs=self.max_epochs), interactions),
        )
        if not judged.epochs:
            return self.fit(interactions)
        settings = dataclasses.replace(self, epochs=judged.epochs)
        return SasrecModel(settings=settings, items=interactions.items, arrays=judged.arrays)

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        if len(interactions) < MIN_INTERACTIONS:
            return f"it learns from {MIN_INTERACTIONS:,} interactions on, there are {len(interactions):,}"
        if interactions.items > (max_items := MAX_VALUES // (self.size // 2)):
            return (
                f"its limit is {max_items:,} items, and there are {interactions.items:,}; transitions reads the order "
                "too and has no limit"
            )
        if (size := self.size_of(interactions.items)) % self.heads:
            return (
                f"its vectors have {size} numbers, which {self.heads} heads cannot share equally; change size or heads"
            )
        return None

    def fit_cost(self, interactions: Interactions) -> FitCost:
        """Return the cost of half of the maximum number of epochs, the usual end of a training."""
        size = self.size_of(interactions.items)
        layer, negatives = size**2 * (6 + 3 * self.feed), size * min(self.negatives, interactions.items)
        interaction_s = LAYER_S * layer + NEGATIVE_S * negatives
        first_s = VECTOR_S * interactions.items + PAIR_S * len(interactions)
        bytes_ = NUMBER_BYTES * interactions.items * size + INTERACTION_BYTES * len(interactions)
        return FitCost(
            seconds=first_s + self.max_epochs / 2 * interaction_s * len(interactions),
            megabytes=PROCESS_MB + bytes_ / 1e6,
        )

    def size_of(self, items: int) -> int:
        """Return the size of item vectors: `size`, or half of it for many items, so that serving reads less."""
        return self.size if items * self.size <= FULL_SIZE_NUMBERS else self.size // 2

    def _trained(self, interactions: Interactions, *, epochs: int) -> Iterator[SasrecModel]:
        from model_export.algorithms.sasrec.training import train  # torch is an optional dependency

        for trained in train(interactions, self, epochs=epochs):
            settings = dataclasses.replace(self, epochs=trained.epochs)
            yield SasrecModel(settings=settings, items=interactions.items, arrays=trained.arrays)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SasrecModel(Model):
    """Model with a trained network.

    Attributes
    ----------
    arrays
        Float32 arrays of the network, by torch's parameter names. Weights of linear layers are `(out, in)`.
    """

    settings: Sasrec
    arrays: Mapping[str, Floats]

    def score(self, histories: Histories) -> Floats:
        """Return the softmax over all items. Empty histories score 0. Interactions with weight 0 are ignored."""
        items, is_item = latest(np.where(histories.weights != 0, histories.items, 0), self.settings.length)
        hidden = follows(self.arrays, items, is_item, heads=self.settings.heads)
        logits = hidden @ self.arrays["item.weight"].T
        logits[:, 0] = NEVER
        return softmax(logits) * is_item.any(axis=1, keepdims=True)

    def export(self, graph: Graph) -> str:
        never = np.where((np.arange(graph.width) == 0) | (np.arange(graph.width) > self.items), NEVER, 0)
        table = graph.item_weight("sasrec.item.weight", self.arrays["item.weight"])
        place, kept = self._places(graph)
        x = self._export_network(graph, graph.op("Gather", table, graph.history, axis=0), place, kept)
        logits = graph.op("Gemm", x, table, graph.weight("sasrec.never", never.astype(np.float32)), transB=1)
        has_items = graph.op("ReduceMax", graph.op("Cast", kept, to=TensorProto.FLOAT), graph.integers(1), keepdims=1)
        return graph.op("Mul", graph.op("Softmax", logits, axis=1), has_items)

    def _export_network(self, graph: Graph, vectors: str, place: str, kept: str) -> str:
        """Add the network on the history's vectors, `[batch, length, size]`. Return its output, `[batch, size]`."""
        table = {name: graph.weight(f"sasrec.{name}", values) for name, values in self._tables().items()}
        heads, size = self.settings.heads, self.arrays["item.weight"].shape[1]
        head_size = size // heads

        def linear(x: str, name: str) -> str:
            return graph.op("Add", graph.op("MatMul", x, table[f"{name}.weight"]), table[f"{name}.bias"])

        def norm(x: str, name: str) -> str:
            scale, shift = table[f"{name}.weight"], table[f"{name}.bias"]
            return graph.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=EPSILON)

        def gated(x: str, added: str, gate: str) -> str:
            return graph.op("Add", x, graph.op("Mul", graph.op("Sigmoid", linear(x, gate)), added))

        positions = graph.op(
            "Gather", table["position.weight"], graph.op("Where", kept, place, graph.integers(0)), axis=0
        )
        x = graph.op("Add", vectors, positions)  # [batch, length, size]
        y = norm(x, "norm_attention")
        last = graph.op("ArgMax", graph.op("Where", kept, place, graph.integers(-1)), axis=1, keepdims=1)
        x, y_last = (graph.op("GatherND", each, last, batch_dims=1) for each in (x, y))  # [batch, size]
        query = graph.op("Reshape", linear(y_last, "query"), graph.integers(0, heads, 1, head_size))
        by_head = graph.integers(0, 0, heads, head_size)
        key = graph.op("Transpose", graph.op("Reshape", linear(y, "key"), by_head), perm=[0, 2, 3, 1])
        value = graph.op("Transpose", graph.op("Reshape", linear(y, "value"), by_head), perm=[0, 2, 1, 3])
        mask = graph.op("Where", kept, graph.number(0.0), graph.number(NEVER))
        logits = graph.op("Mul", graph.op("MatMul", query, key), graph.number(head_size**-0.5))
        logits = graph.op("Add", logits, graph.op("Unsqueeze", mask, graph.integers(1, 2)))
        attention = graph.op("MatMul", graph.op("Softmax", logits, axis=-1), value)
        attention = linear(graph.op("Reshape", attention, graph.integers(0, size)), "attended")
        x = gated(x, attention, "gate_attention")
        up, gate = graph.ops(
            "Split", graph.op("MatMul", norm(x, "norm_feed"), table["feed.weight"]), outputs=2, axis=1, num_outputs=2
        )
        fed = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
        return norm(gated(x, graph.op("MatMul", fed, table["fed.weight"]), "gate_feed"), "norm_out")

    def _tables(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the graph, without the item vectors.

        Weights are transposed to `(in, out)`. The attention's array is split into query, key and value.
        """
        tables = {name: values for name, values in self.arrays.items() if name != "item.weight"}
        for kind in ("weight", "bias"):
            parts = np.split(tables.pop(f"attend.{kind}"), 3)
            tables |= {f"{name}.{kind}": part for name, part in zip(("query", "key", "value"), parts, strict=True)}
        for name, values in tables.items():
            if values.ndim == 2 and name != "position.weight":
                tables[name] = values.T
        return tables

    def _places(self, graph: Graph) -> tuple[str, str]:
        """Return each interaction's position among the latest `length`, and a mask of the latest interactions."""
        is_item = graph.op("Not", graph.op("Equal", graph.history, graph.integers(0)))
        is_item = graph.op("And", is_item, graph.op("Not", graph.op("Equal", "weights", graph.number(0.0))))
        valid = graph.op("Cast", is_item, to=TensorProto.INT64)
        count = graph.op("CumSum", valid, graph.integer(1))
        total = graph.op("ReduceSum", valid, graph.integers(1), keepdims=1)
        before = graph.op("Max", graph.op("Sub", total, graph.integers(self.settings.length)), graph.integers(0))
        place = graph.op("Sub", graph.op("Sub", count, graph.integers(1)), before)
        return place, graph.op("And", is_item, graph.op("GreaterOrEqual", place, graph.integers(0)))
