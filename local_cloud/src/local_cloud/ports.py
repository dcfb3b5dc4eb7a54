"""Ports of a cloud's servers on the loopback interface."""

import itertools
import socket
from collections.abc import Iterator, Mapping

ADDRESS = "127.0.0.1"


class Ports:
    """Ports of servers by name.

    A server gets the port of the last start, otherwise the next port from `first`, otherwise a free port.
    """

    def __init__(self, remembered: Mapping[str, int] | None = None, *, first: int | None = None) -> None:
        self._remembered = remembered
        self._next: Iterator[int] = iter(()) if first is None else itertools.count(first)
        self.taken: dict[str, int] = {}

    def take(self, name: str) -> int:
        """Return the port for a server's name, or 0 if any free port is suitable."""
        wanted = [port for port in ((self._remembered or {}).get(name), next(self._next, None)) if port]
        if not wanted and self._remembered is None:
            return 0
        port = next(filter(self._is_left, wanted), None) or _free_port()
        self.taken[name] = port
        return port

    def _is_left(self, port: int) -> bool:
        return port not in self.taken.values() and is_free(port)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ended connections do not count
        try:
            probe.bind((ADDRESS, port))
        except (OSError, OverflowError):
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
