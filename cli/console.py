"""What the commands say: results on stdout, so that they pipe; everything else on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_EVERY_S = 10.0
_PIPED_WIDTH = 160


class Step(Protocol):
    """A piece of work that is shown while it runs."""

    def advance(self, amount: float = 1) -> None:
        """Add to what is done."""

    def reach(self, done: float) -> None:
        """Say how much is done."""

    def note(self, text: str) -> None:
        """Show what is going on, or what came of it."""


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(document, default=str, option=option).decode())
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table on stdout; numbers to the right."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for index, name in enumerate(columns):
        right = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    _results().print(table)


def print_line(text: str = "") -> None:
    """Print a line of results on stdout, as it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line that is no result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextlib.contextmanager
def step(description: str, *, total: float | None = None) -> Iterator[Step]:
    """Show a piece of work: a bar on a terminal, plain lines elsewhere; its duration at the end.

    Parameters
    ----------
    total
        What `reach` and `advance` add up to; None where nobody knows.
    """
    shown: _Bar | _Lines = _Bar(description, total) if sys.stderr.isatty() else _Lines(description, total)
    try:
        shown.start()
        yield shown
    except BaseException:
        shown.end("stopped")
        raise
    shown.end("done")


class _Bar:
    """A bar on the terminal."""

    def __init__(self, description: str, total: float | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(show_speed=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(description, total=total, note="")

    def start(self) -> None:
        self._progress.start()

    def advance(self, amount: float = 1) -> None:
        self._progress.advance(self._task, amount)

    def reach(self, done: float) -> None:
        self._progress.update(self._task, completed=done)

    def note(self, text: str) -> None:
        self._progress.update(self._task, note=text)

    def end(self, how: str) -> None:
        if how == "done":
            total = self._progress.tasks[0].total or 1
            self._progress.update(self._task, total=total, completed=total)
        self._progress.stop()


class _Lines:
    """A line at the start, at the end, and now and then between."""

    def __init__(self, description: str, total: float | None) -> None:
        self._description, self._total, self._done, self._note = description, total, 0.0, ""
        self._started = self._said = time.monotonic()

    def start(self) -> None:
        say(f"{self._description} ...")

    def advance(self, amount: float = 1) -> None:
        self.reach(self._done + amount)

    def reach(self, done: float) -> None:
        self._done = done
        if self._total and time.monotonic() - self._said > _PLAIN_EVERY_S:
            self._said = time.monotonic()
            say(f"{self._description}: {done / self._total:.0%}{self._tail()}")

    def note(self, text: str) -> None:
        self._note = text

    def end(self, how: str) -> None:
        say(f"{self._description}: {how} in {time.monotonic() - self._started:.1f} s{self._tail()}")

    def _tail(self) -> str:
        return f" ({self._note})" if self._note else ""


def _results() -> Console:
    from rich.console import Console

    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
