"""Base class of the pollers: a thread that can be started, stopped and joined."""

import abc
import threading


class Poller(abc.ABC):
    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        if self._thread.ident is not None:  # started
            self._thread.join(timeout_s)

    @abc.abstractmethod
    def _run(self) -> None:
        """Poll until `_stopping` is set."""
