"""Queue of accepted work that is done in the background, with retries."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Work = TypeVar("Work")

Keep = Callable[[str, Any], Callable[[], None]]
"""Function that records accepted work by kind, and returns a function that deletes the record."""


@dataclass(order=True, slots=True)
class _Due(Generic[Work]):
    at: float
    order: int
    work: Work = field(compare=False)
    done: Callable[[], None] = field(compare=False)


class WorkQueue(Generic[Work]):
    """Work of one kind. First attempts begin in the order of acceptance.

    `attempt` returns the seconds until the next attempt, or None if the work is done. Work that is not done when the
    queue is closed stays recorded.
    """

    def __init__(self, kind: str, attempt: Callable[[Work], float | None], *, keep: Keep, threads: int) -> None:
        self._kind = kind
        self._attempt = attempt
        self._keep = keep
        self._order = itertools.count()
        self._due: list[_Due[Work]] = []
        self._changed = threading.Condition()
        self._busy = 0
        self.closed = False
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix=kind)
        self._thread = threading.Thread(target=self._run, name=f"{kind} queue", daemon=True)
        self._thread.start()

    def accept(self, work: Work, *, kept: Any) -> None:
        """Queue work. `kept` is the value that is recorded for the work."""
        self._put(_Due(time.monotonic(), next(self._order), work, self._keep(self._kind, kept)))

    def pending(self) -> int:
        with self._changed:
            return len(self._due) + self._busy

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _put(self, due: _Due[Work]) -> None:
        with self._changed:
            heapq.heappush(self._due, due)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self.closed and (not self._due or self._due[0].at > time.monotonic()):
                    self._changed.wait(self._due[0].at - time.monotonic() if self._due else None)
                if self.closed:
                    return
                due = heapq.heappop(self._due)
                self._busy += 1
            self._workers.submit(self._work, due)

    def _work(self, due: _Due[Work]) -> None:
        try:
            delay_s = self._attempt(due.work)
            if delay_s is None:
                due.done()
            else:
                self._put(_Due(time.monotonic() + delay_s, next(self._order), due.work, due.done))
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()
