"""Invocation of functions: finding versions, reusing execution environments, and limiting concurrency."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import NoReturn

from local_cloud.execution.environment import ExecutionEnvironment, Host, Workspace
from local_cloud.execution.function import Function, InvocationResult, ThrottledError, dimensions_of
from local_cloud.processes import Processes
from local_cloud.telemetry.log_sender import Pump

NAMESPACE = "AWS/Lambda"
MAX_WAITING = 32
"""Maximum number of invocations of a version that wait for an environment. On AWS, no invocation waits: Lambda starts
another environment, or throttles the invocation."""


class Invoker:
    """Invoker that starts, reuses and replaces execution environments.

    `find` accepts ARNs with and without a qualifier. `max_environments` is the maximum number per version. AWS would
    start up to 1,000.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Function],
        prepare: Callable[[Function], Workspace],
        host: Host,
        processes: Processes,
        pump: Pump,
        max_environments: int = 4,
    ) -> None:
        self._find = find
        self._prepare = prepare
        self._host = host
        self._processes = processes
        self._pump = pump
        self._max_environments = max_environments
        self._lock = threading.Lock()
        self._running: dict[str, int] = defaultdict(int)
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._closed = False

    def invoke(self, function_arn: str, payload: bytes) -> InvocationResult:
        """Invoke a function and wait for its result. Raise ThrottledError at a limit and after `close`."""
        function = self._find(function_arn)
        self._enter(function)
        try:
            pool, environment = self._acquire(function)
            try:
                outcome = environment.invoke(payload, function_arn=function_arn)
            finally:
                self._release(pool, environment)
        finally:
            self._leave(function)
        self._record(function, outcome, function_arn)
        return outcome

    def start_ahead(self, function_arn: str) -> None:
        """Start an environment for the first invocation, as SnapStart and provisioned concurrency do."""
        self._release(*self._acquire(self._find(function_arn)))

    def counts(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {name: dict(counts) for name, counts in self._counts.items()}

    def settle(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` until the logs have all lines of environments without a running invocation."""
        deadline_s = time.monotonic() + timeout_s
        with self._lock:
            environments = [environment for pool in self._pools.values() for environment in pool.idle]
        for environment in environments:
            environment.settle(deadline_s - time.monotonic())

    def close(self) -> None:
        with self._lock:
            self._closed = True
            pools, self._pools = list(self._pools.values()), {}
            for pool in pools:
                pool.free.notify_all()
        for pool in pools:
            for environment in pool.all:
                environment.close()

    def _enter(self, function: Function) -> None:
        reserved = function.reserved_concurrency
        with self._lock:
            if reserved is not None and self._running[function.name] >= reserved:
                self._throttle(ThrottledError(function.name, reserved=reserved))
            self._running[function.name] += 1

    def _throttle(self, error: ThrottledError) -> NoReturn:
        self._counts[error.name]["throttles"] += 1
        self._pump.metric(NAMESPACE, "Throttles", 1, FunctionName=error.name)
        raise error

    def _leave(self, function: Function) -> None:
        with self._lock:
            self._running[function.name] -= 1

    def _acquire(self, function: Function) -> tuple[_Pool, ExecutionEnvironment]:
        key = (function.name, function.version)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None or pool.revision != function.revision:
                outdated, pool = pool, _Pool(function.revision, self._lock)
                self._pools[key] = pool
                for idle in outdated.take_idle() if outdated else []:
                    idle.close()
            if not pool.has_place(self._max_environments):
                if pool.waiting >= MAX_WAITING:
                    self._throttle(ThrottledError(function.name, waiting=pool.waiting))
                pool.waiting += 1
                pool.free.wait_for(lambda: self._closed or pool.has_place(self._max_environments))
                pool.waiting -= 1
            if self._closed:  # Not `reserved=0`, because asynchronous invocations must run at the next start.
                raise ThrottledError(function.name, waiting=pool.waiting)
            if pool.idle:
                return pool, pool.idle.pop()
            pool.size += 1
            self._counts[function.name]["environments"] += 1
        with contextlib.ExitStack() as failed:
            failed.callback(self._give_back, pool)
            with pool.preparing:
                workspace = self._prepare(function)
            environment = ExecutionEnvironment(
                function, workspace, host=self._host, processes=self._processes, log=self._pump.log
            )
            failed.pop_all()
        with self._lock:
            pool.all.append(environment)
        return pool, environment

    def _give_back(self, pool: _Pool) -> None:
        """Allow another environment after the start of one has failed."""
        with self._lock:
            pool.size -= 1
            pool.free.notify()

    def _release(self, pool: _Pool, environment: ExecutionEnvironment) -> None:
        with self._lock:
            keep = environment.usable and pool in self._pools.values()
            if keep:
                pool.idle.append(environment)
            else:
                pool.all.remove(environment)
                pool.size -= 1
            pool.free.notify()
        if not keep:
            environment.close()

    def _record(self, function: Function, outcome: InvocationResult, function_arn: str) -> None:
        failed = int(outcome.error is not None)
        with self._lock:
            self._counts[function.name]["invocations"] += 1
            self._counts[function.name]["errors"] += failed
        for dimensions in dimensions_of(function.name, function_arn):
            self._pump.metric(NAMESPACE, "Invocations", 1, **dimensions)
            self._pump.metric(NAMESPACE, "Errors", failed, **dimensions)
            self._pump.metric(NAMESPACE, "Duration", outcome.duration_ms, unit="Milliseconds", **dimensions)


class _Pool:
    """Environments of a function version in one configuration, `revision`.

    `free` is notified when an environment becomes available.
    """

    def __init__(self, revision: object, lock: threading.Lock) -> None:
        self.revision = revision
        self.free = threading.Condition(lock)
        self.preparing = threading.Lock()
        self.idle: list[ExecutionEnvironment] = []
        self.all: list[ExecutionEnvironment] = []
        self.size = 0
        self.waiting = 0

    def has_place(self, maximum: int) -> bool:
        return bool(self.idle) or self.size < maximum

    def take_idle(self) -> list[ExecutionEnvironment]:
        idle, self.idle = self.idle, []
        self.all = [environment for environment in self.all if environment not in idle]
        return idle
