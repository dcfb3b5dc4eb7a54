"""What the commands say: results on stdout, so that they pipe; everything else on stderr."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_EVERY_S = 10.0
_PIPED_WIDTH = 160
# What a terminal obeys instead of showing it: control characters, and those that turn the direction of text.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IN_CELLS = re.compile(f"[{_CONTROLS}]")
_IN_LINES = re.compile(f"(?![\t\n])[{_CONTROLS}]")


class Step(Protocol):
    """A piece of work that is shown while it runs."""

    def advance(self, amount: float = 1) -> None:
        """Add to what is done."""

    def reach(self, done: float) -> None:
        """Say how much is done."""

    def note(self, text: str) -> None:
        """Show what is going on, or what came of it."""

    def say(self, text: str) -> None:
        """Print a line that stays; the bar of a terminal goes on below it."""


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    text = orjson.dumps(document, default=str, option=option).decode()
    sys.stdout.write(_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
    sys.stdout.flush()


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None, right: Collection[str] = ()
) -> None:
    """Print a table on stdout; numbers to the right, as are texts of the columns that `right` names."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for index, name in enumerate(columns):
        numbers = name in right or any(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    results = _results()
    if title:  # above the table, which folds its own title to its width
        results.print(Text(visible(title), style="italic"))
    results.print(table)


def print_line(text: str = "") -> None:
    """Print a line of results on stdout, uncut."""
    sys.stdout.write(_IN_LINES.sub(_named, text) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line that is no result."""
    sys.stderr.write(_IN_LINES.sub(_named, text) + "\n")
    sys.stderr.flush()


def visible(text: str) -> str:
    r"""Return a text of one line with its control characters spelled out: data must not steer a terminal.

    Examples
    --------
    >>> print(visible("Pears\x1b[2J"))
    Pears\x1b[2J
    """
    return _IN_CELLS.sub(_named, text)


def width(text: str) -> int:
    r"""Return how many columns of a terminal a text of one line takes: some characters take two, some none.

    Examples
    --------
    >>> width("fig"), width("無花果"), width("\x1b[2J")
    (3, 6, 7)
    """
    from rich.cells import cell_len

    return cell_len(visible(text))


def call(*arguments: str) -> str:
    """Return a call of this command as it can be pasted into a shell."""
    return shlex.join([sys.argv[0] if "/" in sys.argv[0] else "alsolike", *arguments])


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
    except BaseException as error:
        try:
            shown.end("stopped")
        except (OSError, ValueError) as failed:  # nobody reads stderr any more; what stopped the work still counts
            raise error from failed
        raise
    shown.end("done")


class _Bar:
    """A bar on the terminal."""

    def __init__(self, description: str, total: float | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        # The note gets what the others leave, so that progress shows on a narrow terminal too.
        left_over = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<28}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16),
            TaskProgressColumn(show_speed=False, table_column=Column(no_wrap=True, min_width=4)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.fields[note]}", markup=False, table_column=left_over),
            console=Console(stderr=True),
            expand=True,
        )
        self._task = self._progress.add_task(visible(description), total=total, note="")

    def start(self) -> None:
        self._progress.start()

    def advance(self, amount: float = 1) -> None:
        self._progress.advance(self._task, amount)

    def reach(self, done: float) -> None:
        self._progress.update(self._task, completed=done)

    def note(self, text: str) -> None:
        self._progress.update(self._task, note=visible(text))

    def say(self, text: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text(visible(text)), soft_wrap=True)

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
        if self._total:
            self._now_and_then()

    def note(self, text: str) -> None:
        self._note = text
        self._now_and_then()

    def say(self, text: str) -> None:
        say(text)

    def end(self, how: str) -> None:
        say(f"{self._description}: {how} in {time.monotonic() - self._started:.1f} s{self._tail()}")

    def _now_and_then(self) -> None:
        if time.monotonic() - self._said > _PLAIN_EVERY_S:
            self._said = time.monotonic()
            share = f": {self._done / self._total:.0%}" if self._total else ""
            say(f"{self._description}{share}{self._tail()}")

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
    return visible(str(value))


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
