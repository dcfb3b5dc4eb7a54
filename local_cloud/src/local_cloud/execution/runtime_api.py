"""The Lambda Runtime API of one execution environment.

References
----------
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field

from local_cloud.loopback_server import Exchange, LoopbackServer
from local_cloud.ports import ADDRESS

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """Event for a function. The deadline is in epoch milliseconds."""

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
    """Response of the runtime client to an invocation."""

    payload: bytes
    failed: bool


class RuntimeApi:
    """Server that passes invocations to the runtime client, which requests one at a time.

    Attributes
    ----------
    settled
        Set when the client requests its first invocation, or reports a failed initialisation.
    init_error
        Error of a failed initialisation, or None.
    """

    def __init__(self) -> None:
        self.settled = threading.Event()
        self.init_error: bytes | None = None
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._replies: dict[str, Future[Reply]] = {}
        self._server = LoopbackServer(_exchange(self))

    @property
    def address(self) -> str:
        """The value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"{ADDRESS}:{self._server.server_port}"

    def hand(self, invocation: Invocation) -> Future[Reply]:
        """Queue an invocation. The future's result is the client's reply."""
        reply = self._replies[invocation.request_id] = Future()
        self._invocations.put(invocation)
        return reply

    def close(self) -> None:
        """Stop serving. A waiting client receives an error."""
        self._invocations.put(None)
        self._server.stop()

    def next(self) -> Invocation | None:
        """Wait for the next invocation. Return None after the server is closed."""
        self.settled.set()
        return self._invocations.get()

    def accept(self, request_id: str, reply: Reply) -> bool:
        """Accept a reply. Return False if its invocation is not pending."""
        future = self._replies.pop(request_id, None)
        if future is None:
            return False
        future.set_result(reply)
        return True

    def fail_initialisation(self, error: bytes) -> None:
        """Accept the report of an initialisation that failed."""
        self.init_error = error
        self.settled.set()


def _exchange(api: RuntimeApi) -> type[Exchange]:
    class RuntimeExchange(Exchange):
        def answer(self) -> None:
            if self.command == "GET":
                self._next_invocation()
            else:
                self._accept_report()

        def _next_invocation(self) -> None:
            invocation = api.next()
            if invocation is None:
                self.reply(410)
                return
            self.reply(
                200,
                invocation.payload,
                {
                    **_JSON,
                    "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                    "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                    "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                    "Lambda-Runtime-Trace-Id": invocation.trace_id,
                },
            )

        def _accept_report(self) -> None:
            body = self.read_body()
            *_, subject, kind = self.path.rstrip("/").split("/")
            if subject == "init":
                api.fail_initialisation(body)
                self.reply(202, b'{"status":"OK"}', _JSON)
            elif api.accept(subject, Reply(payload=body, failed=kind == "error")):
                self.reply(202, b'{"status":"OK"}', _JSON)
            else:
                self.reply(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}', _JSON)

    return RuntimeExchange
