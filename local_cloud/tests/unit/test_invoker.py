"""Invocations that wait for an environment, and the invoker's limit for the number of waiting invocations."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from builders import lambda_function
from local_cloud.execution import invoker as module
from local_cloud.execution.function import InvocationResult, ThrottledError
from local_cloud.execution.invoker import MAX_WAITING, Invoker

FUNCTION = lambda_function(code_sha256="a")


class Environment:
    """Environment whose invocations last until the test ends them."""

    entered = threading.Semaphore(0)
    end = threading.Event()

    def __init__(self, function, *_args, **_options):
        self.usable = True
        self._revision = function.code_sha256

    def invoke(self, _payload, *, function_arn):
        Environment.entered.release()
        assert Environment.end.wait(60)
        return InvocationResult(function_arn, self._revision.encode(), None, "1", 1.0)

    def close(self):
        self.usable = False


@pytest.fixture
def invoker(monkeypatch):
    Environment.entered, Environment.end = threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(module, "ExecutionEnvironment", Environment)
    nothing: Any = mock.Mock()
    made = Invoker(
        find=lambda _arn: FUNCTION,
        prepare=lambda _function: nothing,
        host=nothing,
        processes=nothing,
        pump=nothing,
        max_environments=2,
    )
    yield made
    Environment.end.set()


def start(invoker, threads, count):
    return [threads.submit(invoker.invoke, "arn:f", b"") for _ in range(count)]


def until_waiting(invoker, count):
    (pool,) = invoker._pools.values()
    with pool.free:
        while pool.waiting < count:
            pool.free.wait(0.01)


def test_invocation_above_the_limit_of_waiting_ones_is_throttled(invoker):
    with ThreadPoolExecutor(MAX_WAITING + 2) as threads:
        accepted = start(invoker, threads, 2 + MAX_WAITING)
        for _ in range(2):
            assert Environment.entered.acquire(timeout=60)
        until_waiting(invoker, MAX_WAITING)

        with pytest.raises(ThrottledError, match="32 invocations of f are waiting already"):
            invoker.invoke("arn:f", b"")

        Environment.end.set()
        assert [each.result(60).error for each in accepted] == [None] * (2 + MAX_WAITING)
    assert invoker.counts()["f"] == {"environments": 2, "invocations": 2 + MAX_WAITING, "errors": 0, "throttles": 1}


def test_invocations_waiting_for_an_outdated_environment_are_run(invoker, monkeypatch):
    with ThreadPoolExecutor(5) as threads:
        old = start(invoker, threads, 3)
        for _ in range(2):
            assert Environment.entered.acquire(timeout=60)
        until_waiting(invoker, 1)
        monkeypatch.setattr(invoker, "_find", lambda _arn: dataclasses.replace(FUNCTION, code_sha256="b"))
        new = start(invoker, threads, 1)
        assert Environment.entered.acquire(timeout=60)

        Environment.end.set()

        assert [each.result(60).payload for each in (*old, *new)] == [b"a", b"a", b"a", b"b"]


def test_invocation_waiting_at_the_close_may_be_retried(invoker):
    with ThreadPoolExecutor(3) as threads:
        invocations = start(invoker, threads, 3)
        for _ in range(2):
            assert Environment.entered.acquire(timeout=60)
        until_waiting(invoker, 1)

        invoker.close()
        Environment.end.set()

        (error,) = (error for each in invocations if (error := each.exception(60)))
        assert isinstance(error, ThrottledError)
        assert error.reserved is None


def test_environment_started_in_advance_serves_the_first_invocation(invoker):
    Environment.end.set()

    invoker.start_ahead("arn:f")
    invoker.invoke("arn:f", b"")

    assert invoker.counts()["f"] == {"environments": 1, "invocations": 1, "errors": 0}
