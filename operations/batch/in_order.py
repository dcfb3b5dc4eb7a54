"""Work on a stream by several threads, with the results in its order and little of it read ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Elements in progress or waiting for earlier ones, per thread."""


def in_order(stream: Iterable[T], work: Callable[[T], R], *, parallel: int) -> Iterator[tuple[T, R]]:
    """Yield each of a stream with what `work` makes of it; on leaving early, what was not begun is left."""
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
