from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A call in a daemon thread, which does not delay the end of the process.

    Examples
    --------
    >>> Background(lambda: 6 * 7).result()
    42
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._future: Future[T] = Future()
        threading.Thread(target=self._run, name="background", daemon=True).start()

    def result(self) -> T:
        return self._future.result()

    def wait(self, timeout_s: float = 1.0) -> None:
        """Wait for the end of the call, but not longer than `timeout_s`. Its result or error is ignored."""
        futures.wait([self._future], timeout_s)

    def _run(self) -> None:
        try:
            self._future.set_result(self._call())
        except BaseException as error:  # noqa: BLE001  `result` raises it
            self._future.set_exception(error)
