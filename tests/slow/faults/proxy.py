"""Proxy between handlers and AWS. It records calls, rejects calls, or kills the handler before or after a call."""

from __future__ import annotations

import dataclasses
import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

THROTTLED = {
    "s3": (503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"),
    "dynamodb": (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'),
    "kinesis": (400, b'{"__type":"ProvisionedThroughputExceededException"}'),
}
BROKEN = {
    "s3": (500, b"<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>"),
    "dynamodb": (500, b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}'),
    "kinesis": (500, b'{"__type":"InternalFailure"}'),
}


@dataclasses.dataclass(frozen=True)
class Call:
    """Request. The operation is a part of the header `X-Amz-Target` for JSON services, and the HTTP method for S3."""

    service: str
    operation: str
    path: str


@dataclasses.dataclass
class Plan:
    """Failures of a run.

    `refuse` returns the status and body of a rejection, or None to forward the request. `before` runs before a request
    is forwarded, and `after` between its effect and its response.
    """

    refuse: Callable[[Call], tuple[int, bytes] | None] = lambda call: None
    before: Callable[[int, Call], None] = lambda number, call: None
    after: Callable[[int, Call], None] = lambda number, call: None


class FaultProxy:
    """Proxy that forwards requests to `target` ("host:port") according to its `plan`."""

    def __init__(self, target: str) -> None:
        self.plan = Plan()
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, target))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def begin(self, plan: Plan) -> None:
        with self._lock:
            self.plan, self.calls = plan, []

    def record(self, call: Call) -> int:
        with self._lock:
            self.calls.append(call)
            return len(self.calls)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def throttled_times(times: int, *, answers: dict[str, tuple[int, bytes]], service: str) -> Plan:
    """Return a plan that rejects the first `times` calls of a service with the service's status and body in
    `answers`."""
    remaining = [times]

    def refuse(call: Call) -> tuple[int, bytes] | None:
        if call.service != service or not remaining[0]:
            return None
        remaining[0] -= 1
        return answers[service]

    return Plan(refuse=refuse)


def _handler(proxy: FaultProxy, target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self._body()
            call = _call(self)
            number = proxy.record(call)
            if refusal := proxy.plan.refuse(call):
                self._answer(refusal[0], {"content-type": "application/xml"}, refusal[1])
                return
            proxy.plan.before(number, call)
            connection = http.client.HTTPConnection(target, timeout=60)
            # The header has the host of moto, not of the proxy, because moto derives the bucket of S3 requests from the
            # host.
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body=body, headers={**headers, "Host": target})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            proxy.plan.after(number, call)
            self._answer(answer.status, dict(answer.getheaders()), content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

        def _body(self) -> bytes:
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            try:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in (*_HOP_BY_HOP, "content-length"):
                        self.send_header(name, value)
                length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # The plan has killed the client.

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "host", "expect")


def _call(request: BaseHTTPRequestHandler) -> Call:
    target = request.headers.get("X-Amz-Target", "")
    if target:
        service, _, operation = target.partition(".")
        return Call(service.partition("_")[0].lower(), operation, request.path)
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].split("/")
    return Call(scope[3] if len(scope) > 3 else "", request.command, request.path)
