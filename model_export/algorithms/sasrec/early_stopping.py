"""Best epoch of a SASRec training, stored next to the checkpoint.

Without the stored evaluations, a resumed job would compare only the remaining epochs and select another model. A model
is evaluated in a thread while the next epoch is trained.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from model_export.api import Model
from model_export.data.interactions import Floats
from model_export.processes.checkpoints import write

if TYPE_CHECKING:
    from model_export.algorithms.sasrec.model import SasrecModel

log = logging.getLogger(__name__)

SUFFIX = ".judged"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Evaluations of a training.

    Attributes
    ----------
    until
        Number of epochs at the latest evaluation; 0 if there is none.
    epochs, metric, arrays
        Number of epochs, metric and arrays of the best model.
    since
        Number of evaluations after the best one.
    """

    until: int = 0
    epochs: int = 0
    metric: float = -math.inf
    arrays: Mapping[str, Floats] = dataclasses.field(default_factory=dict)
    since: int = 0

    @classmethod
    def stored_with(cls, checkpoint: Path | None) -> Self:
        """Return an empty state if none is stored."""
        if checkpoint is None or not (path := checkpoint.with_suffix(SUFFIX)).is_file():
            return cls()
        with np.load(io.BytesIO(path.read_bytes())) as file:
            arrays = dict(file)
        until, epochs, since, metric = arrays.pop("judged").tolist()
        return cls(until=int(until), epochs=int(epochs), metric=metric, arrays=arrays, since=int(since))

    def store_with(self, checkpoint: Path) -> None:
        buffer = io.BytesIO()
        judged = np.array([self.until, self.epochs, self.since, self.metric])
        arrays: dict[str, Any] = {"judged": judged, **self.arrays}
        np.savez(buffer, **arrays)
        write(buffer.getvalue(), checkpoint.with_suffix(SUFFIX))

    def then(self, model: SasrecModel, metric: float) -> Judged:
        epochs = model.settings.epochs
        if not self.epochs or metric > self.metric:
            return Judged(until=epochs, epochs=epochs, metric=metric, arrays=model.arrays)
        return dataclasses.replace(self, until=epochs, since=self.since + 1)


def best_of(
    training: Iterable[SasrecModel], judge: Callable[[Model], float], *, patience: int, checkpoint: Path | None
) -> Judged:
    """Return the evaluations of a training, with the arrays of the best model.

    `training` yields models after increasing numbers of epochs. The training stops after `patience` evaluations without
    improvement. Models that a stopped job has evaluated are ignored.
    """
    judged = Judged.stored_with(checkpoint)
    if judged.since >= patience:
        return judged
    until = judged.until
    for model, metric in judged_in_background((model for model in training if model.settings.epochs > until), judge):
        log.info("sasrec: %.4f after %d epochs", metric, model.settings.epochs)
        judged = judged.then(model, metric)
        if checkpoint is not None:
            judged.store_with(checkpoint)
        if judged.since >= patience:
            break
    return judged


T = TypeVar("T")


def judged_in_background(models: Iterable[T], judge: Callable[[T], float]) -> Iterator[tuple[T, float]]:
    """Yield each model and its result of `judge`. `judge` runs in a thread while the next model is trained."""
    waiting: tuple[T, Future[float]] | None = None
    for model in models:
        if waiting is not None:
            yield waiting[0], waiting[1].result()
        waiting = model, _begun(judge, model)
    if waiting is not None:
        yield waiting[0], waiting[1].result()


def _begun(judge: Callable[[T], float], model: T) -> Future[float]:
    """Start `judge` in a daemon thread, so that an interrupted program does not wait for it."""
    found: Future[float] = Future()

    def run() -> None:
        try:
            found.set_result(judge(model))
        except Exception as error:  # noqa: BLE001  raised by `result`
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return found
