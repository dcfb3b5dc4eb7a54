import datetime as dt
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request

import orjson
import pytest

from local_cloud.certificate import server_context
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer


class Echo(HttpServer):
    def serve(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, body=request.method.encode())


class Head(HttpServer):
    def serve(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, body=orjson.dumps([request.method, request.path, request.query, request.headers]))


class Body(HttpServer):
    def serve(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, body=orjson.dumps(request.body.decode()))


class Broken(HttpServer):
    def serve(self, request: HttpRequest) -> HttpResponse:
        raise RuntimeError("no answer")


@pytest.mark.parametrize("method", ["GET", "TRACE", "QUERY", "PROPFIND"])
def test_every_method_is_accepted(method):
    server = Echo()
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request(method, "/")

        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (200, method.encode())
    finally:
        server.stop()


def test_error_of_a_server_is_answered_on_an_open_connection(capsys):
    server = Broken()
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        statuses = []
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            statuses.append((response.status, response.read(), response.will_close))

        assert statuses == [(500, b"", False)] * 2
        assert "RuntimeError: no answer" in capsys.readouterr().err
    finally:
        server.stop()


def test_new_connection_is_accepted_before_its_thread_starts(monkeypatch):
    server = Echo()
    try:
        # `Thread.start` waits until the new thread runs.
        monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("the server waits"))
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        connection.request("GET", "/")

        assert connection.getresponse().read() == b"GET"
    finally:
        server.stop()


def test_https_is_served_to_clients_that_trust_the_certificate(tmp_path):
    context, certificate = server_context(tmp_path / "tls")
    server = Echo(tls=context)
    try:
        with urllib.request.urlopen(server.url, context=ssl.create_default_context(cafile=certificate)) as answer:
            assert answer.read() == b"GET"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(server.url)
    finally:
        server.stop()


def test_certificate_is_reused_until_it_expires(tmp_path, monkeypatch):
    _, certificate = server_context(tmp_path)
    first = certificate.read_bytes()

    server_context(tmp_path)

    assert certificate.read_bytes() == first
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    monkeypatch.setattr("local_cloud.certificate._RENEW_BEFORE", dt.timedelta(days=400))
    server_context(tmp_path)
    assert certificate.read_bytes() != first


@pytest.fixture
def address():
    server = Head()
    yield server.server_address[:2]
    server.stop()


@pytest.fixture(scope="module")
def body_address():
    server = Body()
    yield server.server_address[:2]
    server.stop()


def answer_to(address, request):
    """Send a request and close the sending side. Return the status, and the JSON body if the status is 200."""
    with socket.create_connection(address) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
        return response.status, orjson.loads(body) if response.status == 200 else None


def test_header_order_names_and_values_are_unchanged(address):
    request = b"PUT /a%20b?c HTTP/1.1\r\nHost: here\r\nX-One:1\r\nx-one: \t2: 3 \r\nEmpty:\r\nLatin: \xa0\r\n\r\n"

    status, answer = answer_to(address, request)

    headers = [["Host", "here"], ["X-One", "1"], ["x-one", "2: 3"], ["Empty", ""], ["Latin", "\xa0"]]
    assert (status, answer) == (200, ["PUT", "/a%20b", "c", headers])


def test_several_spaces_before_the_target_are_ignored(address):
    assert answer_to(address, b"GET  /a?b HTTP/1.1\r\n\r\n") == (200, ["GET", "/a", "b", []])


@pytest.mark.parametrize("line", [b"no colon", b": no name", b"name : value", b"two words: value", b" in: two lines"])
def test_invalid_header_is_refused(address, line):
    assert answer_to(address, b"GET / HTTP/1.1\r\nHost: here\r\n" + line + b"\r\n\r\n")[0] == 400


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"multipart/mixed", b"message/rfc822"])
def test_content_type_with_parts_is_accepted(body_address, kind):
    request = b"POST / HTTP/1.1\r\nContent-Type: " + kind + b"\r\nContent-Length: 3\r\n\r\nabc"

    assert answer_to(body_address, request) == (200, "abc")


@pytest.mark.parametrize("headers", [b"a: b\r\n" * 101, b"a: " + b"b" * 70_000 + b"\r\n"])
def test_too_many_or_long_headers_are_refused(address, headers):
    assert answer_to(address, b"GET / HTTP/1.1\r\n" + headers + b"\r\n")[0] == 431


@pytest.mark.parametrize(
    ("request_head", "is_closed"),
    [
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n", True),
        (b"GET / HTTP/1.0\r\n", True),
    ],
)
def test_connection_stays_open_unless_the_client_closes_it(address, request_head, is_closed):
    with socket.create_connection(address) as connection:
        connection.sendall(request_head + b"\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        response.read()

        connection.settimeout(60 if is_closed else 0.2)
        try:
            rest = connection.recv(1)
        except TimeoutError:
            rest = None

        assert (rest == b"") is is_closed


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Content-Length: 3", b"abc", 200),
        (b"Content-Length: 3\r\nContent-Length: 3", b"abc", 200),
        (b"Content-Length: 3 \t", b"abc", 200),
        (b"Transfer-Encoding: chunked ", b"x", 400),
        (b"Transfer-Encoding: gzip, chunked", b"", 501),
        (b"Host: here", b"", 200),
        (b"Content-Length: -1", b"", 400),
        (b"Content-Length: -0", b"", 400),
        (b"Content-Length: +3", b"abc", 400),
        (b"Content-Length: 3.0", b"abc", 400),
        (b"Content-Length: 0x3", b"abc", 400),
        (b"Content-Length: three", b"abc", 400),
        (b"Content-Length:", b"", 400),
        (b"Content-Length: 3, 3", b"abc", 400),
        (b"Content-Length: 3\r\nContent-Length: 4", b"abcd", 400),
        (b"Content-Length: 4", b"abc", 400),
        (b"Content-Length: 16777217", b"", 413),
        (b"Content-Length: 999999999999999999", b"", 413),
        (b"Content-Length: 9999999999999999999999", b"", 400),
    ],
)
def test_body_has_the_stated_length(body_address, head, body, status):
    request = b"POST / HTTP/1.1\r\n" + head + b"\r\n\r\n" + body

    assert answer_to(body_address, request)[0] == status


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", 200),
        (b"1;a=b\r\na\r\n2 ;c\r\nbc\r\n0\r\nSum: 1\r\nOther: 2\r\n\r\n", 200),
        (b"3\r\nabc\r\n0\r\nSum: " + b"1" * 70_000 + b"\r\n\r\n", 400),
        (b"-1\r\n", 400),
        (b"+3\r\nabc\r\n0\r\n\r\n", 400),
        (b"0x3\r\nabc\r\n0\r\n\r\n", 400),
        (b"three\r\n", 400),
        (b"", 400),
        (b"3\r\nabcd\r\n0\r\n\r\n", 400),
        (b"4\r\nabc", 400),
        (b"ffffffffffffff\r\nabc", 413),
        (b"800000\r\n" + bytes(0x800000) + b"\r\n800001\r\n", 413),
    ],
)
def test_chunks_have_the_stated_sizes(body_address, chunks, status):
    request = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks

    found, body = answer_to(body_address, request)

    assert (found, body) == (status, "abc" if status == 200 else None)
