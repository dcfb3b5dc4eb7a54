import datetime as dt
import http.client
import ssl
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local_cloud.certificate import server_context
from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer, serving


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(200, body=request.method.encode())


@pytest.mark.parametrize("method", ["GET", "TRACE", "QUERY", "PROPFIND"])
def test_every_method_is_accepted(method: str) -> None:
    server = HttpServer(serving(echo))
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request(method, "/")

        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (200, method.encode())
    finally:
        server.stop()


def test_error_of_a_server_is_answered_on_an_open_connection(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("no answer")

    server = HttpServer(serving(fail))
    try:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        statuses = []
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            statuses.append((response.status, response.read(), response.will_close))

        assert statuses == [(500, b"", False)] * 2
        assert "RuntimeError: no answer" in capsys.readouterr().err
    finally:
        server.stop()


def test_new_connection_is_accepted_before_its_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HttpServer(serving(echo))
    try:
        # `Thread.start` returns only after the new thread runs.
        monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("the server waits"))
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        connection.request("GET", "/")

        assert connection.getresponse().read() == b"GET"
    finally:
        server.stop()


def test_https_is_served_to_clients_that_trust_the_certificate(tmp_path: Path) -> None:
    context, certificate = server_context(tmp_path / "tls")
    server = HttpServer(serving(echo), tls=context)
    try:
        with urllib.request.urlopen(server.url, context=ssl.create_default_context(cafile=certificate)) as answer:
            assert answer.read() == b"GET"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(server.url)
    finally:
        server.stop()


def test_certificate_is_reused_until_it_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, certificate = server_context(tmp_path)
    first = certificate.read_bytes()

    server_context(tmp_path)

    assert certificate.read_bytes() == first
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    monkeypatch.setattr("local_cloud.certificate._RENEW_BEFORE", dt.timedelta(days=400))
    server_context(tmp_path)
    assert certificate.read_bytes() != first
