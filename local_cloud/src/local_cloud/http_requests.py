"""HTTP/1.1 requests, parsed without Python's e-mail parser, which takes a tenth of a short request's time."""

import functools
import http.client
import http.server
import re
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

_MAX_LINE: Final = 65_536
_MAX_HEADERS: Final = 100
"""Limits of `http.server`."""
_NAME: Final = re.compile("[!-9;-~]+")

_END_OF_HEADERS: Final = (b"\r\n", b"\n", b"")
_LENGTH: Final = re.compile("[0-9]{1,18}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n")
_LARGEST_BODY_BYTES: Final = 16_777_216
"""Default maximum size of a body. The limits of API Gateway and Lambda are smaller, and have specific responses."""


class BodyError(Exception):
    """The body of a request cannot be read. `status` is the status of the response."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class RequestHandler(http.server.BaseHTTPRequestHandler):
    """Python's handler with a fast reader of headers, and with checked bodies.

    Attributes
    ----------
    largest_body_bytes
        Maximum size of a body. The response to a larger one has status 413.
    """

    raw_requestline: bytes
    largest_body_bytes = _LARGEST_BODY_BYTES

    def handle_one_request(self) -> None:
        """Serve one request. The connection is closed if the body cannot be read."""
        try:
            super().handle_one_request()
        except BodyError as error:
            self.send_error(error.status, str(error))

    def parse_request(self) -> bool:
        """Read the request line and the headers. Return False after the response to an invalid request."""
        words = str(self.raw_requestline, "iso-8859-1").split()
        if len(words) != 3 or words[2] != "HTTP/1.1":
            return super().parse_request()
        self.requestline = " ".join(words)
        self.command, self.path, self.request_version = words
        self.close_connection = True
        self.headers = http.client.HTTPMessage()
        while (line := self.rfile.readline(_MAX_LINE + 1)) not in _END_OF_HEADERS:
            name, colon, value = line.decode("iso-8859-1").partition(":")
            if len(line) > _MAX_LINE or len(self.headers) == _MAX_HEADERS:
                self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return False
            if not colon or not _NAME.fullmatch(name):  # HTTP no longer permits values of several lines
                self.send_error(HTTPStatus.BAD_REQUEST, "Bad header")
                return False
            self.headers[name] = value.strip(" \t\r\n")
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return self.headers.get("Expect", "").lower() != "100-continue" or self.handle_expect_100()

    def read_body(self) -> bytes:
        """Read the body, of stated length or chunked.

        Raises
        ------
        BodyError
            If the length is malformed or too large, or the client sends fewer bytes.
        """
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise BodyError(HTTPStatus.BAD_REQUEST, "Bad Content-Length")
        return self._read(int(length))

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            parsed = _CHUNK_SIZE.fullmatch(self.rfile.readline(_MAX_LINE))
            if parsed is None:
                raise BodyError(HTTPStatus.BAD_REQUEST, "Bad chunk")
            length = int(parsed[1], 16)
            chunks.append(self._read(length, after=size))
            size += length
            if length and self.rfile.readline(_MAX_LINE) not in _END_OF_HEADERS:
                raise BodyError(HTTPStatus.BAD_REQUEST, "Bad chunk")
            if not length:
                while self.rfile.readline(_MAX_LINE) not in _END_OF_HEADERS:
                    pass  # trailers
                return b"".join(chunks)

    def _read(self, length: int, *, after: int = 0) -> bytes:
        if after + length > self.largest_body_bytes:
            raise BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        data = self.rfile.read(length)
        if len(data) < length:
            raise BodyError(HTTPStatus.BAD_REQUEST, "Incomplete body")
        return data

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the header `Date`."""
        return _date(int(time.time() if timestamp is None else timestamp))


@functools.lru_cache(maxsize=1)
def _date(time_s: int) -> str:
    return formatdate(time_s, usegmt=True)
