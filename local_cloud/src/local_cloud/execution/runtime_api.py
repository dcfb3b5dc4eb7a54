"""Lambda Runtime API of an execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field

from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer
from local_cloud.ports import ADDRESS

_JSON = ("Content-Type", "application/json")


@dataclass(frozen=True, slots=True)
class Invocation:
    """Event for a function. `deadline_ms` is in milliseconds since the epoch."""

    payload: bytes
    function_arn: str
    deadline_ms: int
    request_id: str
    trace_id: str = field(
        default_factory=lambda: (
            f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
        )
    )


@dataclass(frozen=True, slots=True)
class Reply:
    payload: bytes
    failed: bool


class RuntimeApi(HttpServer):
    """Server that passes invocations to the runtime client, which requests one invocation at a time.

    `settled` is set when the client requests its first invocation or reports a failed initialisation.
    """

    def __init__(self) -> None:
        self.settled = threading.Event()
        self.init_error: bytes | None = None
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._replies: dict[str, Future[Reply]] = {}
        super().__init__()

    @property
    def address(self) -> str:
        """Value of `AWS_LAMBDA_RUNTIME_API`."""
        return f"{ADDRESS}:{self.server_port}"

    def hand(self, invocation: Invocation) -> Future[Reply]:
        """Queue an invocation. The result of the future is the client's reply."""
        reply = self._replies[invocation.request_id] = Future()
        self._invocations.put(invocation)
        return reply

    def close(self) -> None:
        self._invocations.put(None)
        self.stop()

    def serve(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            return self._next_invocation()
        *_, subject, kind = request.path.rstrip("/").split("/")
        if subject == "init":
            self.init_error = request.body
            self.settled.set()
        elif (reply := self._replies.pop(subject, None)) is not None:
            reply.set_result(Reply(payload=request.body, failed=kind == "error"))
        else:
            return HttpResponse(400, (_JSON,), b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        return HttpResponse(202, (_JSON,), b'{"status":"OK"}')

    def _next_invocation(self) -> HttpResponse:
        self.settled.set()
        invocation = self._invocations.get()
        if invocation is None:  # The server is closed.
            return HttpResponse(410)
        headers = (
            _JSON,
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        )
        return HttpResponse(200, headers, invocation.payload)
