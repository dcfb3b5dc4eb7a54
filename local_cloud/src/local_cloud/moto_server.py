"""moto as an HTTP server on one port, the endpoint of every AWS service."""

import html
import io
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local_cloud.http_requests import RequestHandler
from local_cloud.permissions.check import CheckedRequest
from local_cloud.ports import ADDRESS
from local_cloud.storage.journal import DataError

_STOP_POLL_S = 0.05
_BODILESS = ("204", "304")
_LARGEST_BODY_BYTES = 1_000_000_000
"""SQLite's maximum size of a value. Each object is stored as one value."""
_DYNAMODB = "DynamoDB_20120810."
_KEY = re.compile("/[^/]+/.").match
"""Matches the path of an object's key in a bucket."""


class MotoServer:
    """moto's own application on a server that keeps connections open, with a thread for each connection.

    Parameters
    ----------
    changed
        Function that receives each request before its response is sent. If it raises DataError, the response has status
        503.
    check
        Decides on each request and its body before moto answers; returns None if the caller may do everything.
    only
        Text in the ``User-Agent`` header of the only requests that are answered before `open`; None if all are
        answered.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        changed: Callable[[dict[str, Any]], None] = lambda _: None,
        check: Callable[[Mapping[str, Any], bytes], CheckedRequest | None] = lambda _, __: None,
        only: str | None = None,
    ) -> None:
        self._changed = changed
        self.check = check
        self._only = only
        self._stopped = False
        application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(ADDRESS, port, application, threaded=True, request_handler=_Exchange)
        self._server.moto = self  # type: ignore[attr-defined]
        self._thread = Thread(target=self._server.serve_forever, args=[_STOP_POLL_S], name="moto", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port on the loopback interface."""
        return int(self._server.server_port)

    def open(self) -> None:
        """Answer every request from now on."""
        self._only = None

    def is_open(self, environ: dict[str, Any]) -> bool:
        """Return true if a request is answered now."""
        return not self._stopped and (self._only is None or self._only in environ.get("HTTP_USER_AGENT", ""))

    def changed(self, environ: dict[str, Any]) -> None:
        """Store the changes of a request."""
        self._changed(environ)

    def stop(self) -> None:
        """Stop listening; further requests on open connections get status 503."""
        self._stopped = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Exchange(RequestHandler, MotoRequestHandler):
    """Connection to moto. werkzeug's handler closes it after each response, since the request may be partly unread."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per response
    largest_body_bytes = _LARGEST_BODY_BYTES
    error_content_type = "application/xml"
    error_message_format = "<Error><Code>%(code)d</Code><Message>%(message)s</Message></Error>"

    def run_wsgi(self) -> None:
        """Answer a request."""
        self.environ = environ = self.make_environ()
        received = self.read_body()
        environ["wsgi.input"] = io.BytesIO(received)
        checked = self.server.moto.check(environ, received)  # type: ignore[attr-defined]
        refusal = checked and checked.response
        if refusal is None:
            status, headers, body = self._respond(environ)
            refusal = checked.refuse_absence() if checked and status.startswith("404") else None
        if refusal is not None:
            status, headers, body = refusal.status, refusal.headers, refusal.body
        try:
            self.server.moto.changed(environ)  # type: ignore[attr-defined]
        except DataError as error:
            self.log("error", "%s", error)
            status, headers, body = "503 Service Unavailable", [], _reason(environ, str(error)).encode()
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers) and status.split()[0] not in _BODILESS:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _respond(self, environ: dict[str, Any]) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        started: list[Any] = []
        if not self.server.moto.is_open(environ):  # type: ignore[attr-defined]
            return "503 Service Unavailable", [("Retry-After", "1")], b""

        def start(status: str, headers: Any, exc_info: Any = None, /) -> Callable[[bytes], object]:
            started[:] = status, headers
            return io.BytesIO().write  # WSGI's old way to send a body, which moto does not use

        try:
            if (handler := _handler(environ)) is not None:
                status, headers, body = handler(_Request(environ))
                content = body.encode() if isinstance(body, str) else body
                return str(status), [(name, str(value)) for name, value in headers.items()], content
            body = b"".join(self.server.app(environ, start))
        except Exception:  # noqa: BLE001  moto's bugs are internal server errors
            self.log("error", "%s", traceback.format_exc())
            return "500 Internal Server Error", [], b""
        status, headers = started
        return status, headers, body

    def handle_expect_100(self) -> bool:
        """Ask the client for the body at once."""
        expected = super().handle_expect_100()
        self.wfile.flush()
        return expected

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def _reason(environ: Mapping[str, Any], text: str) -> str:
    """Return the body of an error: XML for clients of S3, plain text for clients of JSON services."""
    if "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        return f"<Error><Code>ServiceUnavailable</Code><Message>{html.escape(text)}</Message></Error>"
    return text


class _Request(Request):
    """Request without Flask."""

    from_wsgi_server = True


def _handler(environ: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return moto's handler of a frequent request that needs no Flask route: a call of DynamoDB or a put to S3."""
    credential = environ.get("HTTP_AUTHORIZATION", "")
    if environ.get("HTTP_X_AMZ_TARGET", "").startswith(_DYNAMODB) and "/dynamodb/aws4_request" in credential:
        return _dynamodb
    is_put = environ["REQUEST_METHOD"] == "PUT" and not environ.get("QUERY_STRING")
    if is_put and _KEY(environ["PATH_INFO"]) and "/s3/aws4_request" in credential:
        return _s3_key
    return None


def _dynamodb(request: _Request) -> Any:
    from moto.dynamodb.responses import DynamoHandler

    # The URL of a DynamoDB request does not depend on the operation.
    return DynamoHandler.dispatch(request, "", request.headers)


def _s3_key(request: _Request) -> Any:
    from moto.s3.responses import S3Response

    return S3Response.key_dispatch(request, request.raw_url, dict(request.headers))
