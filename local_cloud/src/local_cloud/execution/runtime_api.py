"""Lambda Runtime API of an execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass

from local_cloud.http_server import HttpRequest, HttpResponse, HttpServer
from local_cloud.ports import ADDRESS

_JSON = ("Content-Type", "application/json")


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
        self._invocations: queue.SimpleQueue[HttpResponse] = queue.SimpleQueue()
        self._replies: dict[str, Future[Reply]] = {}
        super().__init__()

    @property
    def address(self) -> str:
        """Value of `AWS_LAMBDA_RUNTIME_API`."""
        return f"{ADDRESS}:{self.server_port}"

    def hand(self, payload: bytes, *, request_id: str, function_arn: str, timeout_s: float) -> Future[Reply]:
        """Queue an invocation. The result of the future is the client's reply."""
        trace_id = f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
        headers = (
            _JSON,
            ("Lambda-Runtime-Aws-Request-Id", request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout_s) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", function_arn),
            ("Lambda-Runtime-Trace-Id", trace_id),
        )
        reply = self._replies[request_id] = Future()
        self._invocations.put(HttpResponse(200, headers, payload))
        return reply

    def close(self) -> None:
        self._invocations.put(HttpResponse(410))
        self.stop()

    def serve(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            self.settled.set()
            return self._invocations.get()
        *_, subject, kind = request.path.rstrip("/").split("/")
        if subject == "init":
            self.init_error = request.body
            self.settled.set()
        elif (reply := self._replies.pop(subject, None)) is not None:
            reply.set_result(Reply(payload=request.body, failed=kind == "error"))
        else:
            return HttpResponse(400, (_JSON,), b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        return HttpResponse(202, (_JSON,), b'{"status":"OK"}')
