"""Replacement of members of moto, and the runtime that the changes call."""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from local_cloud.events.targets import Target
from local_cloud.execution.function import InvocationResult
from local_cloud.glue.request import JobRunRecord, JobRunRequest
from local_cloud.stacks import Stacks
from local_cloud.storage.recorder import Recorder
from local_cloud.training.request import TrainingRecord, TrainingRequest


class Runtime(Protocol):
    """Runtime that executes the actions that moto only stores."""

    recorder: Recorder
    stacks: Stacks

    def invoke(self, function_arn: str, payload: bytes, /) -> InvocationResult: ...

    def invoke_later(self, function_arn: str, payload: bytes, /) -> None: ...

    def send_event(self, target: Target, event: Mapping[str, Any], /) -> None: ...

    def measure(
        self, namespace: str, name: str, value: float, /, *, unit: str = "Count", **dimensions: str
    ) -> None: ...

    def start_training(self, request: TrainingRequest, record: TrainingRecord, /) -> None: ...

    def stop_training(self, name: str, /) -> None: ...

    def start_job_run(self, request: JobRunRequest, record: JobRunRecord, /) -> None: ...

    def stop_job_run(self, run_id: str, /) -> None: ...

    def access_key(self, role_arn: str, session: str, /) -> str: ...


Change = Callable[[Runtime], None]
"""Function that changes moto in this process."""


def replace(owner: type, name: str, member: Callable[..., Any] | property) -> None:
    setattr(owner, name, member)


def wrapping(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace a method with the decorated function, which gets the original method as its first argument."""
    original = getattr(owner, name)

    def decorate(function: Callable[..., Any]) -> None:
        @functools.wraps(original)
        def method(self: Any, *arguments: Any, **options: Any) -> Any:
            return function(original, self, *arguments, **options)

        replace(owner, name, method)

    return decorate


def one_by_one(owner: type, names: Sequence[str]) -> None:
    """Allow only one thread at a time in the named methods."""
    lock = threading.RLock()

    def locked(write: Any, self: Any, *arguments: Any, **options: Any) -> Any:
        with lock:
            return write(self, *arguments, **options)

    for name in names:
        wrapping(owner, name)(locked)
