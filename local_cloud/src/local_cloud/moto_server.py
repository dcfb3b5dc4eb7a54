"""moto as an HTTP server on one port, which is the endpoint of all AWS services."""

import html
import importlib
import io
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from moto.dynamodb.responses import DynamoHandler
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
from moto.s3.responses import S3Response

from local_cloud.http_server import Connection, HttpResponse, HttpServer
from local_cloud.permissions.check import CheckedRequest
from local_cloud.permissions.requests import WsgiRequest
from local_cloud.storage.journal import DataError

_LARGEST_BODY_BYTES = 1_000_000_000
"""Maximum size of a value in SQLite. An object is stored as one value."""
_DYNAMODB = "DynamoDB_20120810."
_KEY = re.compile("/[^/]+/.").match
"""Function that matches the path of an object in a bucket."""


class _MotoConnection(Connection, MotoRequestHandler):
    server: "MotoServer"  # type: ignore[assignment]  # werkzeug declares the class of its own servers
    largest_body_bytes = _LARGEST_BODY_BYTES
    error_content_type = "application/xml"
    error_message_format = "<Error><Code>%(code)d</Code><Message>%(message)s</Message></Error>"

    def respond(self, body: bytes) -> HttpResponse:
        return self.server.answer(self.make_environ() | {"wsgi.input": io.BytesIO(body)}, body)


class MotoServer(HttpServer):
    """Server of moto's application.

    `check` decides on a request before moto answers. `changed` receives a request before its response is sent. Before
    `open`, requests get status 503, unless their `User-Agent` contains the value of `only`.
    """

    connection = _MotoConnection
    multithread, multiprocess, ssl_context = True, False, None
    """Attributes that `MotoRequestHandler.make_environ` reads."""

    def __init__(
        self,
        *,
        port: int = 0,
        changed: Callable[[dict[str, Any]], None] = lambda _: None,
        check: Callable[[Mapping[str, Any], bytes], CheckedRequest | None] = lambda _, __: None,
        only: str | None = None,
    ) -> None:
        self._changed = changed
        self._check = check
        self._only = only
        self._stopped = False
        self._application = DomainDispatcherApplication(werkzeug_app.create_backend_app)
        super().__init__(port=port)

    def open(self) -> None:
        self._only = None

    def stop(self) -> None:
        """Stop listening. Further requests on open connections are answered with status 503."""
        self._stopped = True
        super().stop()

    def answer(self, environ: dict[str, Any], body: bytes) -> HttpResponse:
        checked = self._check(environ, body)
        refusal = checked and checked.response
        if refusal is None:
            response = self._respond(environ)
            refusal = checked.refuse_absence() if checked and response.status == 404 else None
        try:
            self._changed(environ)
        except DataError as error:
            sys.stderr.write(f"{error}\n")
            return HttpResponse(503, body=_reason(environ, str(error)).encode())
        return refusal or response

    def _respond(self, environ: dict[str, Any]) -> HttpResponse:
        if self._stopped or (self._only is not None and self._only not in environ.get("HTTP_USER_AGENT", "")):
            return HttpResponse(503, (("Retry-After", "1"),))
        if (handler := _handler(environ)) is not None:
            status, headers, body = handler(WsgiRequest(environ))
            content = body.encode() if isinstance(body, str) else body
            return HttpResponse(int(status), [(name, str(value)) for name, value in headers.items()], content)
        if "/cloudformation/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            # The import takes 0.3 s. moto would import it under the lock that all requests take.
            importlib.import_module("moto.cloudformation.responses")
        started: list[Any] = []

        def start(status: str, headers: Any, exc_info: Any = None, /) -> Callable[[bytes], object]:
            started[:] = status, headers
            return io.BytesIO().write  # WSGI's old way to send a body. moto does not use it.

        content = b"".join(self._application(environ, start))
        status, headers = started
        return HttpResponse(int(status.split()[0]), headers, content)


def _reason(environ: Mapping[str, Any], text: str) -> str:
    """Return the body of an error: XML for clients of S3, and plain text for clients of JSON services."""
    if "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        return f"<Error><Code>ServiceUnavailable</Code><Message>{html.escape(text)}</Message></Error>"
    return text


def _handler(environ: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return moto's handler of a call of DynamoDB or a put to S3, or None for other requests.

    Flask would double the processor time of a call of DynamoDB, from 1.8 to 3.4 ms including the client.
    """
    credential = environ.get("HTTP_AUTHORIZATION", "")
    if environ.get("HTTP_X_AMZ_TARGET", "").startswith(_DYNAMODB) and "/dynamodb/aws4_request" in credential:
        return _dynamodb
    is_put = environ["REQUEST_METHOD"] == "PUT" and not environ.get("QUERY_STRING")
    if is_put and _KEY(environ["PATH_INFO"]) and "/s3/aws4_request" in credential:
        return _s3_key
    return None


def _dynamodb(request: WsgiRequest) -> Any:
    # The URL of a DynamoDB request does not depend on the operation.
    return DynamoHandler.dispatch(request, "", request.headers)


def _s3_key(request: WsgiRequest) -> Any:
    return S3Response.key_dispatch(request, request.raw_url, dict(request.headers))
