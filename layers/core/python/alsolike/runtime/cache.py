"""A cache with a size limit, for long-lived processes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A cache of the most recently used values, up to `max_bytes` as counted by its callers. It is thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value, or None if it is not cached."""
        with self._lock:
            if (entry := self._entries.get(key)) is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, *, size_bytes: int) -> None:
        """Cache the value and remove the least recently used ones until the size fits."""
        with self._lock:
            self._forget(key)
            if size_bytes > self._max_bytes:
                return
            self._entries[key] = (value, size_bytes)
            self._bytes += size_bytes
            while self._bytes > self._max_bytes:
                self._forget(next(iter(self._entries)))

    def forget(self, key: K) -> None:
        """Remove the value, if it is cached."""
        with self._lock:
            self._forget(key)

    def _forget(self, key: K) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._bytes -= entry[1]
