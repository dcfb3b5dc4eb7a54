"""Progress reports of long operations to a listener, such as the command line or a notebook."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class Step:
    """Running step, which receives progress reports. This base class ignores them."""

    def advance(self, amount: float = 1) -> None:
        """Increase the progress by `amount`, in the unit of the step's total."""

    def reach(self, done: float) -> None:
        """Set the progress to `done`, in the unit of the step's total."""

    def note(self, text: str) -> None:
        """Show the step's current activity or result."""

    def say(self, text: str) -> None:
        """Show a permanent line."""


class Listener(Protocol):
    """Receiver of progress reports."""

    def step(self, description: str, *, total: float | None = None) -> AbstractContextManager[Step]:
        """Return a context in which a step runs."""

    def say(self, text: str) -> None:
        """Show a permanent line."""


_listener: Listener | None = None


def report_to(listener: Listener) -> None:
    global _listener
    _listener = listener


@contextlib.contextmanager
def reported_to(listener: Listener) -> Iterator[None]:
    global _listener
    earlier, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = earlier


def step(description: str, *, total: float | None = None) -> AbstractContextManager[Step]:
    return contextlib.nullcontext(Step()) if _listener is None else _listener.step(description, total=total)


def say(text: str) -> None:
    if _listener is not None:
        _listener.say(text)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun in singular or plural.

    Examples
    --------
    >>> counted(1, "day"), counted(20_000, "user")
    ('1 day', '20,000 users')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
