"""HTTP server of one function in a container: `python -m alsolike.api.server recommend`.

It translates requests to events of an HTTP API (payload format 2.0) and calls the function's Lambda handler. A process
handles one request at a time, as on Lambda, so several containers share the load. Apart from health checks, only routes
for signed requests are served: functions verify signatures themselves, but API Gateway verifies tokens.

References
----------
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import importlib
import os
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from alsolike.declarations.routes import SIGNED_ROUTES

LIVE, READY = "/healthz", "/readyz"
SERVED_FUNCTIONS = ("collect", "recommend")
DEFAULT_PORT = 8080
TIMEOUT_S = 20.0
"""Maximum time in seconds that a request waits for the handler. After this time, the response has the status 503. A
running handler is not interrupted.
"""
IDLE_S = 5.0
"""Time in seconds after which an idle connection is closed. A stop waits at most this time for idle connections."""
MAX_BODY_BYTES = 10 * 1024 * 1024
"""Limit of API Gateway's HTTP APIs."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Routes:
    def __init__(self, function: str) -> None:
        keys = [key for key, route in SIGNED_ROUTES.items() if route.function == function]
        # Paths without variables match first, as in an HTTP API.
        self._routes = [(key, _pattern(key)) for key in sorted(keys, key=lambda key: key.count("{"))]

    def match(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the route key and the decoded path parameters for an undecoded path, or None if no route matches."""
        for key, pattern in self._routes:
            if found := pattern.fullmatch(f"{method} {path}"):
                return key, {name: unquote(value) for name, value in found.groupdict().items()}
        return None


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(key)))


class Context:
    """Lambda context with only the attributes that the handlers read."""

    def __init__(self, function: str, request_id: str, *, deadline_s: float) -> None:
        self.function_name, self.aws_request_id = function, request_id
        self.memory_limit_in_mb, self.invoked_function_arn = 0, function
        self._deadline_s = deadline_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))


def event_of(
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    route: tuple[str, Mapping[str, str]],
    source_ip: str,
    request_id: str,
) -> dict[str, Any]:
    """Return the event of a request with an undecoded `target`. `route` is the result of `Routes.match`."""
    path, _, query = target.partition("?")
    key, parameters = route
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": key,
        "rawPath": unquote(path),
        "rawQueryString": query,
        "headers": _joined((name.lower(), value) for name, value in headers),
        "requestContext": {
            "http": {"method": method, "path": unquote(path), "sourceIp": source_ip},
            "requestId": request_id,
            "routeKey": key,
        },
        "isBase64Encoded": bool(body),
    }
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if parameters:
        event["pathParameters"] = dict(parameters)
    if body:
        event["body"] = base64.b64encode(body).decode()
    return event


def _joined(pairs: Any) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


class FunctionServer(ThreadingHTTPServer):
    """Server of a function. Threads read requests, and the handler processes one request at a time."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], function: str, load: Callable[[], Handler]) -> None:
        self.function, self.routes = function, Routes(function)
        self._load, self._in_use = load, threading.Lock()
        self._handler: Handler | None = None
        self.stopping = False
        super().__init__(address, _Request)

    def prepare(self) -> None:
        """Import the handler. Until then, the server is live, but not ready."""
        self._handler = self._load()

    @property
    def is_ready(self) -> bool:
        return self._handler is not None and not self.stopping

    def stop(self) -> None:
        """Accept no more connections. Open connections close after their next response, or after `IDLE_S`."""
        self.stopping = True
        self.shutdown()

    def answer(self, event: dict[str, Any], *, deadline_s: float) -> dict[str, Any]:
        if self._handler is None or not self._in_use.acquire(timeout=max(0.0, deadline_s - time.monotonic())):
            return _message(503, "Service Unavailable")
        try:
            context = Context(self.function, event["requestContext"]["requestId"], deadline_s=deadline_s)
            return self._handler(event, context)
        except Exception:  # noqa: BLE001 - one failed request must not stop the server
            # Imported here, because this module reads at import the name of the service that `main` sets.
            from alsolike.runtime.observability import logger

            logger.exception("request failed")
            return _message(500, "Internal Server Error")
        finally:
            self._in_use.release()


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: FunctionServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == LIVE:
            self._send(_message(200, "live"))
        elif path == READY:
            self._send(_message(200, "ready") if self.server.is_ready else _message(503, "not ready"))
        else:
            self._call()

    def _call(self) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        length = self.headers.get("content-length") or "0"
        if not length.isdecimal() or "transfer-encoding" in self.headers:
            self.close_connection = True
            return self._send(_message(400, "Bad Request: expected a body with Content-Length"))
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return self._send(_message(413, "Request Entity Too Large"))
        body = self.rfile.read(int(length))
        route = self.server.routes.match(self.command, self.path.partition("?")[0])
        if route is None:
            return self._send(_message(404, "Not Found"))
        event = event_of(
            self.command,
            self.path,
            self.headers.items(),
            body,
            route=route,
            source_ip=self.client_address[0],
            request_id=uuid.uuid4().hex,
        )
        self._send(self.server.answer(event, deadline_s=deadline_s))

    do_POST = do_PATCH = do_DELETE = _call  # noqa: N815 - the names of http.server

    def _send(self, answer: Mapping[str, Any]) -> None:
        if self.server.stopping:
            self.close_connection = True
        body = (answer.get("body") or "").encode()
        self.send_response(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if answer["statusCode"] != 304:
            self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: addresses and IDs in paths are personal data."""


def _message(status: int, text: str) -> dict[str, Any]:
    body = orjson.dumps({"message": text}).decode()
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body}


def load_handler(function: str) -> Handler:
    """Import a function's handler. The import prepares the process as with Lambda's provisioned concurrency."""
    os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "provisioned-concurrency"
    handler: Handler = importlib.import_module(f"functions.{function}.handler").lambda_handler
    return handler


def main(arguments: Sequence[str]) -> int:
    """Serve a function until SIGTERM. On Lambda, run Lambda's runtime client instead. Return the exit status."""
    if len(arguments) != 1 or arguments[0] not in SERVED_FUNCTIONS:
        sys.stderr.write(f"expected one of {', '.join(SERVED_FUNCTIONS)}, got {' '.join(arguments) or 'nothing'}\n")
        return 2
    (function,) = arguments
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", function)
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)  # botocore reads this name only
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        handler = f"functions.{function}.handler.lambda_handler"
        os.execv(sys.executable, [sys.executable, "-m", "awslambdaric", handler])  # noqa: S606
    port = int(os.environ.get("PORT", DEFAULT_PORT))
    with FunctionServer(("", port), function, lambda: load_handler(function)) as server:
        # A thread stops the server, because `shutdown` waits for the loop in the main thread.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.stop).start())
        threading.Thread(target=_prepare, args=(server,), daemon=True).start()
        server.serve_forever(poll_interval=0.1)
    return 0


def _prepare(server: FunctionServer) -> None:
    try:
        server.prepare()
    except BaseException:  # noqa: BLE001 - logged, and the process ends
        from alsolike.runtime.observability import logger

        logger.exception("the function cannot start")
        sys.stdout.flush()
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
