"""SASRec: attention over the order of the history, trained to predict each next item.

One layer with gated residuals, from the last interaction over all of the history; score = softmax of the inner products
of what comes out with the items' vectors. Training needs torch (`pip install "alsolike[neural]"`) and is in
`model_export.algorithms.sasrec.training`; scoring and serving do without. Neither event weights nor times of a history
count here, only its order; in training a target counts by its weight.

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

from model_export.algorithms.sasrec import parallel
from model_export.algorithms.sasrec.early_stopping import best_of
from model_export.algorithms.sasrec.inference import EPSILON, NEVER, follows, latest, softmax
from model_export.api import Algorithm, FitCost, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.graph.contract import Graph
from model_export.processes.checkpoints import checkpoint

FEWEST = 5_000
"""Interactions to learn from."""

MOST_NUMBERS = 64_000_000
"""Numbers of a network's vectors: 256 MB, which serving maps and reads for each answer."""

SHARED_NUMBERS = 25_600_000
"""Numbers of several networks' vectors: 102 MB, since bundles have 150 MB where functions start from snapshots."""

LAYER_S, NEGATIVE_S = 2.2e-9, 3e-8
"""Processor seconds of an epoch per interaction: for the layer, times size ** 2, and per negative."""

VECTOR_S, PAIR_S = 6e-5, 8e-6
"""Processor seconds for the first vectors, per item and per interaction."""

PROCESS_MB, NUMBER_BYTES, INTERACTION_BYTES = 400.0, 36, 200
"""Memory of a process: of itself, per number of the items' vectors, per interaction."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sasrec(Algorithm):
    """Settings.

    Attributes
    ----------
    size
        Numbers an item's vector has.
    heads
        Of the attention.
    feed
        Width of the feed-forward part, in sizes.
    length
        Latest interactions that count.
    dropout
        Share of the numbers that are left out in training.
    negatives
        Sampled items that a batch's targets are compared with.
    popular
        Share of these that are drawn as often as they occur; the others are drawn uniformly.
    learning_rate
        Of AdamW.
    averaging
        Share of the average of the weights that a step keeps.
    epochs
        How often training sees the data, where nothing judges it.
    most_epochs, judge_every, patience
        Where something does: at most so many epochs, judged after every so many, given up after so many without gain.
    networks
        How many are trained, each from a seed of its own; their logits are averaged. See `networks_of`.
    seed
        Of everything random; the other networks have the next ones.
    """

    name: ClassVar[str] = "sasrec"
    needs: ClassVar[str | None] = "torch"
    inference_parameters: ClassVar[frozenset[str]] = frozenset()
    size: int = 64
    heads: int = 1
    feed: int = 4
    length: int = 100
    dropout: float = 0.3
    negatives: int = 512
    popular: float = 0.5
    learning_rate: float = 1e-3
    averaging: float = 0.999
    epochs: int = 24
    most_epochs: int = 60
    judge_every: int = 2
    patience: int = 4
    networks: int = 3
    seed: int = 0

    def fit(self, interactions: Interactions) -> SasrecModel:
        """Train for `epochs`, at least 1."""
        *_, last = self._trained(interactions, epochs=self.epochs)
        return last.settings._with_others(last.networks[0], interactions)

    def fit_with_early_stopping(self, interactions: Interactions, judge: Callable[[Model], float]) -> SasrecModel:
        """Train until `judge` has found nothing better for a while; the best model's settings say after how many.

        The first network is judged; the others are trained as long as it was at its best.
        """
        judged = best_of(
            self._trained(interactions, epochs=self.most_epochs),
            judge,
            patience=self.patience,
            checkpoint=checkpoint(dataclasses.replace(self, epochs=self.most_epochs), interactions),
        )
        if not judged.epochs:
            return self.fit(interactions)
        return dataclasses.replace(self, epochs=judged.epochs)._with_others(judged.arrays, interactions)

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        """Refuse data that the counting algorithms do better with, and items whose vectors take too long to learn."""
        if len(interactions) < FEWEST:
            return f"it learns from {FEWEST:,} interactions on, there are {len(interactions):,}"
        if interactions.items > (most_items := MOST_NUMBERS // self.size):
            return (
                f"its limit is {most_items:,} items, and there are {interactions.items:,}; transitions reads the order "
                "too and has no limit"
            )
        return None

    def fit_cost(self, interactions: Interactions) -> FitCost:
        """Return the cost of half of the most epochs, which are common; `python -m benchmarks.networks` compares it."""
        networks, numbers = self.networks_of(interactions.items), interactions.items * self.size
        interaction_s = LAYER_S * self.size**2 + NEGATIVE_S * self.negatives
        first_s = VECTOR_S * interactions.items + PAIR_S * len(interactions)
        network_s = first_s + self.most_epochs / 2 * interaction_s * len(interactions)
        process_mb = PROCESS_MB + (NUMBER_BYTES * numbers + INTERACTION_BYTES * len(interactions)) / 1e6
        return FitCost(
            seconds=networks * network_s,
            megabytes=process_mb * parallel.processes(max(1, networks - 1)),
        )

    def networks_of(self, items: int) -> int:
        """Return the number of networks for this many items: one, or more with at most `SHARED_NUMBERS`."""
        return max(1, min(self.networks, SHARED_NUMBERS // (items * self.size)))

    def _trained(self, interactions: Interactions, *, epochs: int) -> Iterator[SasrecModel]:
        from model_export.algorithms.sasrec.training import train  # torch is an extra

        for trained in train(interactions, self, epochs=epochs):
            settings = dataclasses.replace(self, epochs=trained.epochs)
            yield SasrecModel(settings=settings, items=interactions.items, networks=(trained.arrays,))

    def _with_others(self, first: Mapping[str, Floats], interactions: Interactions) -> SasrecModel:
        """Return the first network with the others, each trained as long."""
        seeds = range(self.seed + 1, self.seed + self.networks_of(interactions.items))
        others = [dataclasses.replace(self, networks=1, seed=seed) for seed in seeds]
        networks = (first, *parallel.trained(others, interactions))
        return SasrecModel(settings=self, items=interactions.items, networks=networks)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SasrecModel(Model):
    """The trained networks.

    Attributes
    ----------
    networks
        Of each the arrays, float32 by torch's names; weights of linear parts are `(out, in)`.
    """

    settings: Sasrec
    networks: tuple[Mapping[str, Floats], ...]

    def score(self, histories: Histories) -> Floats:
        """Return the softmax over all items, 0 for a history without any; what weighs nothing is not in it."""
        items, is_item = latest(np.where(histories.weights != 0, histories.items, 0), self.settings.length)
        logits = np.zeros((len(items), self.items + 1), np.float32)
        for arrays in self.networks:
            logits += follows(arrays, items, is_item, heads=self.settings.heads) @ arrays["item.weight"].T
        logits /= np.float32(len(self.networks))
        logits[:, 0] = NEVER
        return softmax(logits) * is_item.any(axis=1, keepdims=True)

    def export(self, graph: Graph) -> str:
        """Add the same to the graph: one inner product of what comes out of all networks with an item's vectors."""
        never = np.where((np.arange(graph.width) == 0) | (np.arange(graph.width) > self.items), NEVER, 0)
        items = np.concatenate([arrays["item.weight"] for arrays in self.networks], axis=1)
        table = graph.weight("sasrec.item.weight", np.pad(items, ((0, graph.width - self.items - 1), (0, 0))))
        place, kept = self._places(graph)
        vectors = graph.op("Gather", table, graph.history, axis=0)  # [batch, length, networks * size]
        count = len(self.networks)
        each = graph.ops("Split", vectors, outputs=count, axis=2, num_outputs=count) if count > 1 else [vectors]
        out = [self._export_network(graph, number, of_one, place, kept) for number, of_one in enumerate(each)]
        x = graph.op("Concat", *out, axis=1) if count > 1 else out[0]
        logits = graph.op("Gemm", x, table, graph.weight("sasrec.never", never.astype(np.float32)), transB=1)
        some = graph.op("ReduceMax", graph.op("Cast", kept, to=TensorProto.FLOAT), graph.integers(1), keepdims=1)
        return graph.op("Mul", graph.op("Softmax", logits, axis=1), some)

    def _export_network(self, graph: Graph, number: int, vectors: str, place: str, kept: str) -> str:
        """Add one network from its vectors of the history on; return what follows, float32 [batch, size]."""
        prefix = f"sasrec.{number}" if number else "sasrec"
        tables = self._tables(self.networks[number])
        table = {name: graph.weight(f"{prefix}.{name}", values) for name, values in tables.items()}
        heads, of_head = self.settings.heads, self.settings.size // self.settings.heads

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
        query = graph.op("Reshape", linear(y_last, "query"), graph.integers(0, heads, 1, of_head))
        by_head = graph.integers(0, 0, heads, of_head)
        key = graph.op("Transpose", graph.op("Reshape", linear(y, "key"), by_head), perm=[0, 2, 3, 1])
        value = graph.op("Transpose", graph.op("Reshape", linear(y, "value"), by_head), perm=[0, 2, 1, 3])
        barred = graph.op("Where", kept, graph.number(0.0), graph.number(NEVER))
        logits = graph.op("Mul", graph.op("MatMul", query, key), graph.number(of_head**-0.5))
        logits = graph.op("Add", logits, graph.op("Unsqueeze", barred, graph.integers(1, 2)))
        attention = graph.op("MatMul", graph.op("Softmax", logits, axis=-1), value)
        attention = linear(graph.op("Reshape", attention, graph.integers(0, self.settings.size)), "attended")
        x = gated(x, attention, "gate_attention")
        up, gate = graph.ops(
            "Split", graph.op("MatMul", norm(x, "norm_feed"), table["feed.weight"]), outputs=2, axis=1, num_outputs=2
        )
        fed = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
        return norm(gated(x, graph.op("MatMul", fed, table["fed.weight"]), "gate_feed"), "norm_out")

    def _tables(self, arrays: Mapping[str, Floats]) -> dict[str, npt.NDArray[Any]]:
        """Return a network's arrays but the vectors as the graph takes them: weights `(in, out)`, attention in three.

        The output is divided by the number of networks, so that the sum of logits is their mean.
        """
        tables = {name: values for name, values in arrays.items() if name != "item.weight"}
        for kind in ("weight", "bias"):
            parts = np.split(tables.pop(f"attend.{kind}"), 3)
            tables |= {f"{name}.{kind}": part for name, part in zip(("query", "key", "value"), parts, strict=True)}
            tables[f"norm_out.{kind}"] = tables[f"norm_out.{kind}"] / np.float32(len(self.networks))
        for name, values in tables.items():
            if values.ndim == 2 and name != "position.weight":
                tables[name] = values.T
        return tables

    def _places(self, graph: Graph) -> tuple[str, str]:
        """Return each interaction's place among the latest `length`, int64, and whether it is one of them."""
        is_item = graph.op("Not", graph.op("Equal", graph.history, graph.integers(0)))
        is_item = graph.op("And", is_item, graph.op("Not", graph.op("Equal", "weights", graph.number(0.0))))
        valid = graph.op("Cast", is_item, to=TensorProto.INT64)
        count = graph.op("CumSum", valid, graph.whole(1))
        total = graph.op("ReduceSum", valid, graph.integers(1), keepdims=1)
        before = graph.op("Max", graph.op("Sub", total, graph.integers(self.settings.length)), graph.integers(0))
        place = graph.op("Sub", graph.op("Sub", count, graph.integers(1)), before)
        return place, graph.op("And", is_item, graph.op("GreaterOrEqual", place, graph.integers(0)))
