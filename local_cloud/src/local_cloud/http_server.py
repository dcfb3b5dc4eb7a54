"""Small HTTP/1.1 server on a port of the loopback interface. It supports TLS, and bodies with a length or in chunks."""

import _thread
import http.client
import http.server
import re
import ssl
import sys
import threading
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from local_cloud.ports import ADDRESS

_HEADER_DEFECTS: Final = (FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MissingHeaderBodySeparatorDefect)
_LENGTH: Final = re.compile("[0-9]{1,18}")
_LARGEST_BODY_BYTES: Final = 16_777_216
_LONGEST_LINE_BYTES: Final = 65_536
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;[^\r\n]*)?\r\n")
_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Received request, with the undecoded target and with headers in order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    def header(self, name: str) -> str | None:
        """Return the first header with a name, ignoring case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    integration_error: str = ""


class _BodyError(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Connection(http.server.BaseHTTPRequestHandler):
    """Connection that stays open."""

    server: "HttpServer"
    raw_requestline: bytes
    protocol_version = "HTTP/1.1"
    server_version = "local-cloud"
    sys_version = ""
    error_content_type = "application/json"
    error_message_format = '{"message":"%(message)s"}'
    disable_nagle_algorithm = True
    wbufsize = -1  # Buffered, so that a short response is one packet.
    largest_body_bytes = _LARGEST_BODY_BYTES

    def respond(self, body: bytes) -> HttpResponse:
        # The base class replaces leading slashes of `path` with one, and urlsplit would parse two slashes as a host.
        path, _, query = self.requestline.split()[1].partition("?")
        path = path if path.startswith("/") else urlsplit(path).path
        headers = [(name, value.strip(" \t")) for name, value in self.headers.items()]
        source_ip, protocol = self.client_address[0], self.request_version
        return self.server.serve(HttpRequest(self.command, path or "/", query, headers, body, source_ip, protocol))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # The base class looks for one method per HTTP verb.
            return self._answer
        raise AttributeError(name)

    def handle_one_request(self) -> None:
        """Serve a request. If the body cannot be read, send an error and close the connection."""
        try:
            super().handle_one_request()
        except _BodyError as error:
            self.send_error(error.status, str(error))

    def _answer(self) -> None:
        body = self._read_body()
        try:
            response = self.respond(body)
        except Exception:  # noqa: BLE001  errors of a server must not end the connection
            traceback.print_exc()
            response = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR)
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        names = {name.lower() for name, _ in response.headers}
        if response.status not in _BODILESS and "content-length" not in names:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in _BODILESS:
            self.wfile.write(response.body)
        self.wfile.flush()

    def parse_request(self) -> bool:
        """Read the request line and the headers. If they are invalid, send an error and return false."""
        if not super().parse_request():
            return False
        # The other defects are missing parts of a multipart body. The parser gets only the headers.
        defects = [each for each in self.headers.defects if isinstance(each, _HEADER_DEFECTS)]
        if defects or any("\n" in value for value in self.headers.values()):
            self.send_error(HTTPStatus.BAD_REQUEST, "Bad header")
            return False
        return True

    def handle_expect_100(self) -> bool:
        """Flush the buffer, so that the client sends the body."""
        expected = super().handle_expect_100()
        self.wfile.flush()
        return expected

    def _read_body(self) -> bytes:
        if encoding := self.headers.get("Transfer-Encoding"):
            if encoding.strip(" \t").lower() != "chunked":
                raise _BodyError(HTTPStatus.NOT_IMPLEMENTED, "Unknown Transfer-Encoding")
            return self._read_chunks()
        lengths = {length.strip(" \t") for length in self.headers.get_all("Content-Length", ["0"])}
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise _BodyError(HTTPStatus.BAD_REQUEST, "Bad Content-Length")
        return self._read(int(length))

    def _read_chunks(self) -> bytes:
        """Read a chunked body. Ignore chunk extensions and trailers."""
        body = bytearray()
        while (size := self._read_chunk_size()) > 0:
            body += self._read(size, after=len(body))
            if self.rfile.readline(2) != b"\r\n":
                raise _BodyError(HTTPStatus.BAD_REQUEST, "Bad chunk")
        try:
            http.client.parse_headers(self.rfile)
        except http.client.HTTPException as error:
            raise _BodyError(HTTPStatus.BAD_REQUEST, "Bad trailer") from error
        return bytes(body)

    def _read_chunk_size(self) -> int:
        size = _CHUNK_SIZE.fullmatch(self.rfile.readline(_LONGEST_LINE_BYTES))
        if size is None:
            raise _BodyError(HTTPStatus.BAD_REQUEST, "Bad chunk")
        return int(size[1], 16)

    def _read(self, length: int, *, after: int = 0) -> bytes:
        """Read `length` bytes of a body, of which `after` bytes have already been read."""
        if after + length > self.largest_body_bytes:
            raise _BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        data = self.rfile.read(length)
        if len(data) < length:
            raise _BodyError(HTTPStatus.BAD_REQUEST, "Incomplete body")
        return data

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...

    def log_message(self, format: str, *args: Any) -> None: ...


class HttpServer(http.server.ThreadingHTTPServer):
    """Server with a thread per connection. Subclasses define `serve`. Port 0 selects a free port."""

    request_queue_size = 128
    connection: type[Connection] = Connection

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((ADDRESS, port), self.connection)
        self._scheme = "https" if tls else "http"
        if tls:  # The connection's thread performs the handshake at its first read.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            # A stop waits for up to one interval. The default is 0.5 s.
            target=lambda: self.serve_forever(poll_interval=0.05),
            name=f"http-{self.server_port}",
            daemon=True,
        )
        self._thread.start()

    def serve(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"{self._scheme}://{ADDRESS}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread that serves a connection. Do not wait until the thread runs.

        `threading.Thread` waits for the start, so that connections would queue for seconds if several threads are busy.
        """
        _thread.start_new_thread(self.process_request_thread, (request, client_address))

    def is_addressed(self, host: str | None) -> bool:
        """Return whether a `Host` header names this server, and not a foreign name that resolves to this machine."""
        return host in (f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected or do not trust the certificate. Print other errors."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening. Open connections end with the process."""
        self.shutdown()
        self.server_close()
        self._thread.join()
