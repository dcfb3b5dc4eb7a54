"""Execution environment: a process of a function version, which runs one invocation at a time."""

import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_cloud.events.clock import iso_text
from local_cloud.execution.function import Function, InvocationResult
from local_cloud.execution.runtime_api import Reply, RuntimeApi
from local_cloud.processes import Processes, resident_bytes
from local_cloud.telemetry.log_pipe import LineOutput, LineSink

# Lambda limits initialisation to 10 s, and then restarts it within the function's timeout. A single longer limit
# suffices here, also for a busy laptop that starts several functions.
INIT_TIMEOUT_S = 60.0
_WATCH_S = 0.05
_RUNTIME_CLIENT = Path(__file__).with_name("runtime_client.py")


@dataclass(frozen=True, slots=True)
class Workspace:
    """Extracted code and layers of a function. `import_paths` are in order of precedence."""

    task_root: Path
    import_paths: Sequence[Path]
    temporary: Path


@dataclass(frozen=True, slots=True)
class Host:
    """Settings of all processes on this host.

    `credentials` takes a role and a session name, and returns environment variables with the role's credentials.
    """

    region: str
    environment: Mapping[str, str]
    credentials: Callable[[str, str], Mapping[str, str]]
    python: str = sys.executable
    awslambdaric: bool = True


class ExecutionEnvironment:
    """Process with a Runtime API server and a private temporary directory."""

    def __init__(
        self, function: Function, workspace: Workspace, *, host: Host, processes: Processes, log: LineSink
    ) -> None:
        self.function = function
        self._processes = processes
        self._log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self._output = LineOutput(log, function.log_group, self._log_stream)
        self._temporary = tempfile.mkdtemp(prefix="tmp-", dir=workspace.temporary)
        self._api = RuntimeApi()
        self._started = time.monotonic()
        self._process = processes.start(
            self._command(host),
            environment=self._variables(host, workspace),
            directory=workspace.task_root,
            output=self._output.fileno(),
        )
        self._init_ms: float | None = None
        self._usable = True
        self._closing = threading.Lock()
        self._closed = False

    @property
    def usable(self) -> bool:
        return self._usable and self._process.poll() is None

    def invoke(self, payload: bytes, *, function_arn: str) -> InvocationResult:
        """Run an invocation. Failures are returned as results with Lambda's error JSON."""
        request_id = str(uuid.uuid4())
        reply = self._initialise(request_id)
        started = time.monotonic()
        self._platform_line("start", request_id)
        if reply is None:
            future = self._api.hand(
                payload, request_id=request_id, function_arn=function_arn, timeout_s=self.function.timeout_s
            )
            reply = self._await(future, request_id, started)
        duration_ms = (time.monotonic() - started) * 1000
        self._report(request_id, duration_ms)
        return InvocationResult(
            request_id=request_id,
            payload=reply.payload,
            error="Unhandled" if reply.failed else None,
            executed_version=self.function.version,
            duration_ms=duration_ms,
        )

    def settle(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` until the log has all lines that the process has written."""
        self._output.settle(timeout_s)

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._usable = False
        self._processes.kill(self._process)
        self._api.close()
        self._output.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _initialise(self, request_id: str) -> Reply | None:
        """Wait until the process accepts invocations. Return the error if the initialisation fails."""
        while not self._api.settled.wait(_WATCH_S):
            if self._process.poll() is not None:
                return self._give_up(self._exit_error(request_id))
            if time.monotonic() - self._started > INIT_TIMEOUT_S:
                return self._give_up(
                    _error("Sandbox.Timedout", request_id, f"Init timed out after {INIT_TIMEOUT_S:.2f} seconds")
                )
        if self._api.init_error is not None:
            return self._give_up(self._api.init_error)
        if self._init_ms is None:
            self._init_ms = (time.monotonic() - self._started) * 1000
        return None

    def _await(self, future: Future[Reply], request_id: str, started: float) -> Reply:
        limit = self.function.memory_mb * 1024 * 1024
        deadline = started + self.function.timeout_s
        while True:
            try:
                return future.result(timeout=max(0.0, min(_WATCH_S, deadline - time.monotonic())))
            except TimeoutError:
                pass
            if self._process.poll() is not None:
                return self._give_up(self._exit_error(request_id))
            if time.monotonic() >= deadline:
                kind, message = "Sandbox.Timedout", f"Task timed out after {self.function.timeout_s:.2f} seconds"
            elif resident_bytes(self._process) > limit:
                kind, message = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
            else:
                continue
            reply = self._give_up(_error(kind, request_id, message))
            self._output.write(f"{iso_text(datetime.now(UTC))} {request_id} {message}")
            return reply

    def _give_up(self, error: bytes) -> Reply:
        self._usable = False
        self._processes.kill(self._process)
        return Reply(payload=error, failed=True)

    def _exit_error(self, request_id: str) -> bytes:
        code = self._process.returncode
        ending = f"signal: {-code}" if code < 0 else f"exit status {code}"
        return _error("Runtime.ExitError", request_id, f"Runtime exited with error: {ending}")

    def _report(self, request_id: str, duration_ms: float) -> None:
        self._platform_line("end", request_id)
        # Memory of descendants is not included, because a search for them would read all processes after each
        # invocation.
        used_mb = max(resident_bytes(self._process, with_descendants=False) // 1024 // 1024, 1)
        init = f"\tInit Duration: {self._init_ms:.2f} ms" if self._init_ms else ""
        self._init_ms = 0.0
        self._platform_line(
            "report",
            request_id,
            f"\tDuration: {duration_ms:.2f} ms\tBilled Duration: {int(duration_ms) + 1} ms"
            f"\tMemory Size: {self.function.memory_mb} MB\tMax Memory Used: {used_mb} MB{init}\t",
        )

    def _platform_line(self, kind: str, request_id: str, details: str = "") -> None:
        if self.function.system_log_level == "WARN":
            return
        if self.function.log_format == "JSON":
            record = {"requestId": request_id} | ({"version": self.function.version} if kind == "start" else {})
            line = {"time": iso_text(datetime.now(UTC)), "type": f"platform.{kind}", "record": record}
            self._output.write(json.dumps(line))
        else:
            version = f" Version: {self.function.version}" if kind == "start" else ""
            self._output.write(f"{kind.upper()} RequestId: {request_id}{version}{details}")

    def _command(self, host: Host) -> list[str]:
        if host.awslambdaric:
            return [host.python, "-m", "awslambdaric", self.function.handler]
        return [host.python, str(_RUNTIME_CLIENT), self.function.handler]

    def _variables(self, host: Host, workspace: Workspace) -> dict[str, str]:
        function = self.function
        return {
            **host.environment,
            **host.credentials(function.role, function.name),
            "AWS_DEFAULT_REGION": host.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{platform.python_version().rpartition('.')[0]}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log_stream,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_REGION": host.region,
            "LAMBDA_TASK_ROOT": str(workspace.task_root),
            "PYTHONPATH": os.pathsep.join(map(str, (workspace.task_root, *workspace.import_paths))),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": self._temporary,
            "TZ": ":UTC",
            "_HANDLER": function.handler,
            **function.environment,
        }


def _error(kind: str, request_id: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}).encode()
