"""A loaded model: histories become tensors, positions become items again."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from alsolike.bundle import GRAPH_FILE, Bundle
from alsolike.errors import InvalidBundle
from alsolike.profiles import RecentInteraction

GRAPH_ERRORS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, NotImplemented, RuntimeException)
_NONE = np.zeros((1, 1), np.int64)


@dataclasses.dataclass(frozen=True, slots=True)
class Ranked:
    """One item of an answer, by its position in the model."""

    position: int
    score: float


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """What a model knows of a profile.

    Attributes
    ----------
    items
        int64 `(n,)`, positions, oldest first.
    event_weights
        float64 `(n,)`, by event type.
    event_time_ms
        int64 `(n,)`.
    """

    items: npt.NDArray[np.int64]
    event_weights: npt.NDArray[np.float64]
    event_time_ms: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.items)


class Model:
    """A bundle with its graph, opened and run once."""

    def __init__(self, directory: Path) -> None:
        """Open and verify the bundle in `directory`.

        Raises
        ------
        InvalidBundle
            If it is not what its manifest says, or its graph does not run.
        """
        self.bundle = Bundle(directory)
        try:
            self._session = _open_session(directory / GRAPH_FILE)
            self._run(np.ones((1, 1), np.int64), np.ones((1, 1), np.float32), exclude=_NONE, k=1)
        except GRAPH_ERRORS as error:
            raise InvalidBundle(f"{GRAPH_FILE} of {self.version} does not run: {error}") from error

    @property
    def version(self) -> str:
        """The model version."""
        return self.bundle.manifest.version

    def history(self, recent: Sequence[RecentInteraction]) -> History:
        """Return the latest interactions with items and event types that the model knows."""
        parameters = self.bundle.manifest.history
        counted = [interaction for interaction in recent if interaction.event_type in parameters.event_weights]
        items = self.bundle.positions([interaction.item_id for interaction in counted])
        known = np.flatnonzero(items)[-parameters.length :]
        latest = [counted[index] for index in known]
        return History(
            items=items[known],
            event_weights=np.array([parameters.event_weights[entry.event_type] for entry in latest], np.float64),
            event_time_ms=np.array([entry.event_time_ms for entry in latest], np.int64),
        )

    def rank(self, history: History, *, k: int, now_ms: int) -> list[Ranked]:
        """Return the k best items for a history of at least one interaction, best first."""
        weights = self.bundle.manifest.history.weights(history.event_weights, now_ms - history.event_time_ms)
        items = history.items[None, :]
        exclude = items if self.bundle.manifest.exclude_seen else _NONE
        positions, scores = self._run(items, weights[None, :], exclude=exclude, k=k)
        return [
            Ranked(position, score)
            for position, score in zip(positions[0].tolist(), scores[0].tolist(), strict=True)
            if position and score > -math.inf
        ]

    def popular(self, k: int) -> list[Ranked]:
        """Return the k most popular items, best first; the score is the reciprocal of the rank."""
        positions = self.bundle.popular[:k].tolist()
        return [Ranked(position, 1.0 / rank) for rank, position in enumerate(positions, start=1)]

    def _run(
        self,
        history: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float32],
        *,
        exclude: npt.NDArray[np.int64],
        k: int,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        feed = {"history": history, "weights": weights, "exclude": exclude, "k": np.array([k], np.int64)}
        items, scores = self._session.run(("items", "scores"), feed)
        return items, scores


def _open_session(graph: Path) -> onnxruntime.InferenceSession:
    """Open a graph with its weights mapped: prepacking would copy them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_prepacking", "1")
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
