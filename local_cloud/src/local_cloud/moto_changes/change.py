"""Replacement of members of moto."""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

Runtime: TypeAlias = "LocalCloud"
"""Embedded cloud. It runs functions, schedules and jobs, which moto only stores."""

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
