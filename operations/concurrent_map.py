"""Concurrent processing of a stream. Results keep the order of the stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Maximum number of elements per thread that are in progress or waiting for earlier elements."""


def in_order(stream: Iterable[T], work: Callable[[T], R], *, parallel: int) -> Iterator[tuple[T, R]]:
    """Yield `(element, work(element))` in input order.

    Elements that have not started are dropped if the caller stops.
    """
    waiting = deque[tuple[T, Future[R]]]()
    pool = ThreadPoolExecutor(parallel)
    try:
        for element in stream:
            waiting.append((element, pool.submit(work, element)))
            if len(waiting) >= parallel * AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
