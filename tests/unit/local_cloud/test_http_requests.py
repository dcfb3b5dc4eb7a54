import http.client
import socket
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from local_cloud.loopback_server import Exchange, LoopbackServer


class _Headers(Exchange):
    def answer(self) -> None:
        self.reply(200, orjson.dumps([self.command, self.path, self.headers.items()]))


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    server = LoopbackServer(_Headers)
    yield server.server_address[:2]  # type: ignore[misc]
    server.stop()


def answer_to(address: tuple[str, int], request: bytes) -> tuple[int, Any]:
    """Send a request and nothing more; return the status and the JSON of the response."""
    with socket.create_connection(address) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        return response.status, orjson.loads(body) if response.status == 200 else None


def test_headers_keep_their_order_names_and_values(address: tuple[str, int]) -> None:
    request = b"PUT /a%20b?c HTTP/1.1\r\nHost: here\r\nX-One:1\r\nx-one: \t2: 3 \r\nEmpty:\r\nLatin: \xa0\r\n\r\n"

    status, answer = answer_to(address, request)

    headers = [["Host", "here"], ["X-One", "1"], ["x-one", "2: 3"], ["Empty", ""], ["Latin", "\xa0"]]
    assert (status, answer) == (200, ["PUT", "/a%20b?c", headers])


@pytest.mark.parametrize("line", [b"no colon", b": no name", b"name : value", b"two words: value", b" in: two lines"])
def test_bad_header_is_refused(address: tuple[str, int], line: bytes) -> None:
    assert answer_to(address, b"GET / HTTP/1.1\r\nHost: here\r\n" + line + b"\r\n\r\n")[0] == 400


@pytest.mark.parametrize("headers", [b"a: b\r\n" * 101, b"a: " + b"b" * 70_000 + b"\r\n"])
def test_too_many_or_long_headers_are_refused(address: tuple[str, int], headers: bytes) -> None:
    assert answer_to(address, b"GET / HTTP/1.1\r\n" + headers + b"\r\n")[0] == 431


@pytest.mark.parametrize(
    ("request_head", "is_closed"),
    [
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n", True),
        (b"GET / HTTP/1.0\r\n", True),
    ],
)
def test_connection_stays_open_unless_the_client_closes_it(
    address: tuple[str, int], request_head: bytes, is_closed: bool
) -> None:
    with socket.create_connection(address, timeout=0.2) as connection:
        connection.sendall(request_head + b"\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()

        try:
            rest = connection.recv(1)
        except TimeoutError:
            rest = None

        assert (rest == b"") is is_closed
