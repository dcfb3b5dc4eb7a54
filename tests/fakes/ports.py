"""Ports for servers that tests start in other processes."""

import socket

_RESERVED: list[socket.socket] = []


def reserved_port() -> int:
    """Return a port that the system gives no other socket. A server with `SO_REUSEADDR` can listen on it."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    _RESERVED.append(one)
    port: int = one.getsockname()[1]
    return port
