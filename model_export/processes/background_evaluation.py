"""Evaluation of a model in a thread while the next model is trained."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

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
