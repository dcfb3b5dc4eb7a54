"""Requests of HTTP/1.1, read without Python's parser of e-mails, which takes a tenth of a short request's time."""

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


class RequestHandler(http.server.BaseHTTPRequestHandler):
    """Python's handler with a fast reader of headers."""

    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Read the request line and the headers; return False after the response to a bad request."""
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
            if not colon or not _NAME.fullmatch(name):  # also in the second line of a value, which is obsolete
                self.send_error(HTTPStatus.BAD_REQUEST, "Bad header")
                return False
            self.headers[name] = value.strip(" \t\r\n")
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return self.headers.get("Expect", "").lower() != "100-continue" or self.handle_expect_100()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the header `Date`."""
        return _date(int(time.time() if timestamp is None else timestamp))


@functools.lru_cache(maxsize=1)
def _date(time_s: int) -> str:
    return formatdate(time_s, usegmt=True)
