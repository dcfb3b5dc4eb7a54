"""Imported graph as an algorithm, so that a training evaluates and exports it like its own algorithms."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import ClassVar

import numpy as np
from onnx import TensorProto

from alsolike.runtime.errors import InvalidInput
from model_export.api import Algorithm, Floats, Graph, Histories, Interactions, Model
from model_export.data.interactions import Ints
from model_export.imported.folder import Activation, Folder, open_folder
from model_export.imported.scoring import ScoringGraph, right_aligned


@dataclasses.dataclass(frozen=True, kw_only=True)
class Imported(Algorithm):
    """Graph of another trainer. A fit selects the items that the graph and the interactions have in common.

    `trained_until_ms` is the time of the latest interaction that the graph learned.
    """

    name: ClassVar[str] = "imported"
    by_default: ClassVar[bool] = False
    folder: str
    sha256: str
    trained_until_ms: int

    @classmethod
    def of(cls, folder: Folder) -> Imported:
        return cls(
            folder=str(folder.directory),
            sha256=folder.sha256,
            trained_until_ms=folder.trained_until_ms,
            half_life_days=folder.half_life_days,
        )

    def describe(self) -> str:
        return f"graph {self.sha256[:12]}"

    def fit(self, interactions: Interactions) -> ImportedModel:
        """Return the graph's model of the items that have interactions. Other items are unknown to it."""
        if interactions.item_ids is None:
            raise InvalidInput("an imported graph needs interactions with item IDs")
        folder, graph = _opened(self.folder, self.sha256)
        positions = {item_id: position for position, item_id in enumerate(folder.item_ids, start=1)}
        found = np.array([positions.get(item_id, 0) for item_id in interactions.item_ids[1:]], np.int64)
        columns = np.append(0, np.where(interactions.frequencies()[1:] > 0, found, 0))
        return ImportedModel(
            settings=self, items=interactions.items, graph=graph, columns=columns, activation=folder.activation
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportedModel(Model):
    """Scores of an imported graph. A history without an item that the graph knows has the score 0 for all items.

    Attributes
    ----------
    columns
        Position of each item in the graph, or 0 for an unknown item, int64 `(items + 1,)`.
    """

    graph: ScoringGraph
    columns: Ints
    activation: Activation | None

    def score(self, histories: Histories) -> Floats:
        """Run the graph with the known items of each history, which are moved to the right end."""
        history = self.columns[histories.items]
        known = history > 0
        order = right_aligned(known)
        weights = np.where(known, histories.weights, np.float32(0.0)).astype(np.float32)
        ages = np.where(known, histories.ages, np.float32(0.0)).astype(np.float32)
        found = self.graph.run(
            np.take_along_axis(history, order, axis=1),
            np.take_along_axis(weights, order, axis=1),
            np.take_along_axis(ages, order, axis=1),
        )
        scores = activated(found, self.activation)[:, self.columns]
        is_open = known.any(axis=1, keepdims=True) & (self.columns > 0)
        return np.where(is_open, scores, np.float32(0.0))

    def export(self, graph: Graph) -> str:
        columns = graph.weight("columns_of_import", np.pad(self.columns, (0, graph.width - len(self.columns))))
        history = graph.op("Gather", columns, graph.history)
        known = graph.op("Greater", history, graph.integer(0))
        order = _right_aligned(graph, known)
        weights, ages = (graph.op("Where", known, name, graph.number(0.0)) for name in ("weights", graph.ages))
        history, weights, ages = (graph.op("GatherElements", each, order, axis=1) for each in (history, weights, ages))
        scores = self.graph.add_to(graph, history=history, weights=weights, ages=ages)
        scores = graph.op("Softplus" if self.activation is Activation.SOFTPLUS else "Relu", scores)
        scores = graph.op("Gather", scores, columns, axis=1)
        any_known = graph.op("Greater", graph.op("ReduceMax", history, graph.integers(1), keepdims=1), graph.integer(0))
        is_open = graph.op("And", any_known, graph.op("Greater", columns, graph.integer(0)))
        return graph.op("Where", is_open, scores, graph.number(0.0))


def model_of(folder: Folder) -> ImportedModel:
    """Return the model of all items of a folder, in the folder's order."""
    settings = Imported.of(folder)
    _, graph = _opened(settings.folder, settings.sha256)
    items = len(folder.item_ids)
    return ImportedModel(
        settings=settings, items=items, graph=graph, columns=np.arange(items + 1), activation=folder.activation
    )


def activated(scores: Floats, activation: Activation | None) -> Floats:
    if activation is Activation.SOFTPLUS:
        return np.logaddexp(np.float32(0.0), scores)
    return np.maximum(scores, np.float32(0.0))


@functools.lru_cache(maxsize=1)
def _opened(directory: str, sha256: str) -> tuple[Folder, ScoringGraph]:
    folder = open_folder(Path(directory))
    return folder, ScoringGraph(str(folder.graph), items=len(folder.item_ids))


def _right_aligned(graph: Graph, known: str) -> str:
    """Return the order of `model_export.imported.scoring.right_aligned`, int64 [batch, length]."""
    count = graph.op("Shape", known, start=1, end=2)
    places = graph.op("Range", graph.integer(0), graph.op("Squeeze", count), graph.integer(1))
    keys = graph.op("Add", graph.op("Mul", graph.op("Cast", known, to=TensorProto.INT64), count), places)
    _, order = graph.ops("TopK", keys, count, outputs=2, axis=1, largest=0, sorted=1)
    return order
