"""Invokes functions: finds the version, keeps warm execution environments, respects concurrency."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable

from local_cloud.execution.environment import ExecutionEnvironment, Host, Workspace
from local_cloud.execution.function import Function, Outcome, ThrottledError, dimensions_of
from local_cloud.processes import Processes
from local_cloud.telemetry.lines import LineLog
from local_cloud.telemetry.pump import Pump

NAMESPACE = "AWS/Lambda"


class Invoker:
    """Runs invocations in execution environments that it starts, reuses and replaces.

    Parameters
    ----------
    find
        Gives the version that an ARN, with or without qualifier, means now.
    prepare
        Extracts a version's code and layers.
    most_environments
        How many environments one version may have at once; more invocations wait. AWS would start up to 1000.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Function],
        prepare: Callable[[Function], Workspace],
        host: Host,
        processes: Processes,
        pump: Pump,
        most_environments: int = 4,
    ) -> None:
        self._find = find
        self._prepare = prepare
        self._host = host
        self._processes = processes
        self._pump = pump
        self._log = LineLog(pump.log)
        self._most_environments = most_environments
        self._changed = threading.Condition()
        self._running: dict[str, int] = defaultdict(int)
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._closed = False

    def invoke(self, function_arn: str, payload: bytes) -> Outcome:
        """Invoke a function and wait for its answer.

        Raises
        ------
        ThrottledError
            If the function's reserved concurrency is in use.
        FunctionNotFoundError
            If there is no such function, version or alias.
        """
        function = self._find(function_arn)
        self._enter(function)
        try:
            environment = self._acquire(function)
            try:
                outcome = environment.invoke(payload, function_arn=function_arn)
            finally:
                self._release(function, environment)
        finally:
            self._leave(function)
        self._record(function, outcome, function_arn)
        return outcome

    def counts(self) -> dict[str, dict[str, int]]:
        """Return invocations, errors, throttles and environments of each function so far."""
        with self._changed:
            return {name: dict(counts) for name, counts in self._counts.items()}

    def close(self) -> None:
        """Kill every environment; nothing can be invoked any more."""
        with self._changed:
            self._closed = True
            pools, self._pools = list(self._pools.values()), {}
            self._changed.notify_all()
        for pool in pools:
            for environment in pool.all:
                environment.close()

    def _enter(self, function: Function) -> None:
        reserved = function.reserved_concurrency
        with self._changed:
            if reserved is not None and self._running[function.name] >= reserved:
                self._counts[function.name]["throttles"] += 1
                self._pump.metric(NAMESPACE, "Throttles", 1, FunctionName=function.name)
                raise ThrottledError(function.name, reserved)
            self._running[function.name] += 1

    def _leave(self, function: Function) -> None:
        with self._changed:
            self._running[function.name] -= 1

    def _acquire(self, function: Function) -> ExecutionEnvironment:
        key = (function.name, function.version)
        with self._changed:
            pool = self._pools.get(key)
            if pool is None or pool.revision != function.revision:
                outdated, pool = pool, _Pool(function.revision)
                self._pools[key] = pool
                for idle in outdated.take_idle() if outdated else []:
                    idle.close()
            while not self._closed:
                if pool.idle:
                    return pool.idle.pop()
                if pool.size < self._most_environments:
                    pool.size += 1
                    break
                self._changed.wait()
            if self._closed:
                raise ThrottledError(function.name, 0)
            self._counts[function.name]["environments"] += 1
        with contextlib.ExitStack() as failed:
            failed.callback(self._give_back, pool)
            with pool.preparing:
                workspace = self._prepare(function)
            environment = ExecutionEnvironment(
                function, workspace, host=self._host, processes=self._processes, log=self._log
            )
            failed.pop_all()
        with self._changed:
            pool.all.append(environment)
        return environment

    def _give_back(self, pool: _Pool) -> None:
        """Let another environment have the place of one that was not made."""
        with self._changed:
            pool.size -= 1
            self._changed.notify_all()

    def _release(self, function: Function, environment: ExecutionEnvironment) -> None:
        pool = self._pools.get((function.name, function.version))
        with self._changed:
            keep = pool is not None and environment in pool.all and environment.usable and not self._closed
            if pool is not None and keep:
                pool.idle.append(environment)
            elif pool is not None and environment in pool.all:
                pool.all.remove(environment)
                pool.size -= 1
            self._changed.notify_all()
        if not keep:
            environment.close()

    def _record(self, function: Function, outcome: Outcome, function_arn: str) -> None:
        failed = int(outcome.error is not None)
        with self._changed:
            self._counts[function.name]["invocations"] += 1
            self._counts[function.name]["errors"] += failed
        for dimensions in dimensions_of(function.name, function_arn):
            self._pump.metric(NAMESPACE, "Invocations", 1, **dimensions)
            self._pump.metric(NAMESPACE, "Errors", failed, **dimensions)
            self._pump.metric(NAMESPACE, "Duration", outcome.duration_ms, unit="Milliseconds", **dimensions)


class _Pool:
    """The environments of one version in one configuration."""

    def __init__(self, revision: object) -> None:
        self.revision = revision
        self.preparing = threading.Lock()
        self.idle: list[ExecutionEnvironment] = []
        self.all: list[ExecutionEnvironment] = []
        self.size = 0

    def take_idle(self) -> list[ExecutionEnvironment]:
        idle, self.idle = self.idle, []
        self.all = [environment for environment in self.all if environment not in idle]
        return idle
