"""HTTP server that responds as a deployment's API does."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoints(ThreadingHTTPServer):
    """HTTP server with fixed responses.

    The first requests get `first_answers`, in order, and later ones `answers` by path. Each response is a status,
    headers and a document. `requests` has their path, key ID and body. Paths lack the prefix of signed routes.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.first_answers: list[tuple[int, dict[str, str], Any]] = []
        self.requests: list[tuple[str, str, str]] = []
        self.methods: list[str] = []
        self.agents: list[str | None] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoints

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.server.methods.append(self.command)
        self.server.agents.append(self.headers["x-alsolike-agent"])
        path = self.path.removeprefix("/personalize")
        key_id = self.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        self.server.requests.append((path, key_id, body))
        first = self.server.first_answers
        status, headers, document = first.pop(0) if first else self.server.answers[path]
        data = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = headers.get("connection") == "close"

    do_GET = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names of http.server

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[Endpoints]:
    with Endpoints() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
