"""Output of the commands.

Results are printed on stdout, so that they can be piped. All other texts are printed on stderr.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from operations.progress import Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_PLAIN_AFTER_S = 5.0
_PLAIN_EVERY_S = 15.0
"""Minimum pause in seconds between lines of a step that reports progress, if stderr is not a terminal."""
_PIPED_WIDTH = 160
_DESCRIPTION_WIDTH = 30
# Control characters, which a terminal executes, and characters that change the direction of text.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IN_CELLS = re.compile(f"[{_CONTROLS}]")
_IN_LINES = re.compile(f"(?![\t\n])[{_CONTROLS}]")


def print_json(document: Any) -> None:
    """Print a document as JSON on stdout, with escaped control characters."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    text = orjson.dumps(document, default=str, option=option).decode()
    sys.stdout.write(_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
    sys.stdout.flush()


def print_yaml(document: Any) -> None:
    from operations.configuration.yaml_document import dump

    print_line(dump(document).rstrip("\n"))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None, right: Collection[str] = ()
) -> None:
    """Print a table on stdout. Columns with a number and the columns in `right` are aligned to the right."""
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
    if title:  # A title of the table itself would be wrapped to the table's width.
        results.print(Text(visible(title), style="italic"))
    results.print(table)


def print_values(values: Mapping[str, object], *, width: int = 14) -> None:
    """Print each value on a line after its label. None and empty texts are omitted."""
    for label, value in values.items():
        if value not in (None, ""):
            print_line(f"{label:<{width}} {visible(str(value))}")


def print_line(text: str = "") -> None:
    """Print a line of results on stdout without wrapping."""
    sys.stdout.write(_IN_LINES.sub(_named, text) + "\n")
    sys.stdout.flush()


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print_line(line)


def say(text: str) -> None:
    sys.stderr.write(_IN_LINES.sub(_named, text) + "\n")
    sys.stderr.flush()


def visible(text: str) -> str:
    r"""Return a line of text with escaped control characters, so that data cannot control the terminal.

    Examples
    --------
    >>> print(visible("Pears\x1b[2J"))
    Pears\x1b[2J
    """
    return _IN_CELLS.sub(_named, text)


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def width(text: str) -> int:
    r"""Return the width in terminal columns of a line as `visible` shows it.

    A control character takes the columns of its escape. Any other character takes zero to two columns.

    Examples
    --------
    >>> width("fig"), width("無花果"), width("\x1b[2J")
    (3, 6, 7)
    """
    shown = visible(text)
    if shown.isascii():
        return len(shown)
    from rich.cells import cell_len  # slow import

    return cell_len(shown)


def call(*arguments: str) -> str:
    """Return a command line of `alsolike` that can be pasted into a shell."""
    on_path = shutil.which("alsolike") == sys.argv[0]
    return shlex.join([sys.argv[0] if "/" in sys.argv[0] and not on_path else "alsolike", *arguments])


@contextlib.contextmanager
def step(description: str, *, total: float | None = None) -> Iterator[Step]:
    """Show a step: a progress bar on a terminal while the step runs, and a line with its duration at the end.

    `total` is the final value of the progress.
    """
    shown: _Bar | _Line = _Bar(description, total) if sys.stderr.isatty() else _Line(description, total)
    started = time.monotonic()
    try:
        yield shown
    except BaseException as error:
        try:
            _end(shown, description, time.monotonic() - started, finished=False)
        except (OSError, ValueError) as failed:  # stderr is closed. Raise the step's error instead.
            raise error from failed
        raise
    _end(shown, description, time.monotonic() - started, finished=True)


@contextlib.contextmanager
def observing(on_end: Callable[[str, float, bool], None]) -> Iterator[None]:
    """Call `on_end` at the end of each step with its description, duration in seconds, and true unless it failed."""
    _observers.append(on_end)
    try:
        yield
    finally:
        _observers.remove(on_end)


_observers: list[Callable[[str, float, bool], None]] = []


def _end(shown: _Bar | _Line, description: str, seconds: float, *, finished: bool) -> None:
    for on_end in _observers:
        on_end(description, seconds, finished)
    padding = " " * max(0, _DESCRIPTION_WIDTH - width(description))
    duration = f"{seconds:6.1f} s" if finished else f"stopped after {seconds:.1f} s"
    shown.end(f"{description}{padding} {duration}", finished=finished)


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # The note gets only the remaining width, so that a narrow terminal truncates the note instead of the progress.
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.description:<{_DESCRIPTION_WIDTH - 2}}}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        TaskProgressColumn(show_speed=False, table_column=Column(no_wrap=True, min_width=4)),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("{task.fields[note]}", markup=False, table_column=rest),
        console=console,
        expand=True,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # The display must not redirect results that a pipe receives.
    )


class _Bar(Step):
    """Step that is shown on a terminal while the step runs."""

    def __init__(self, description: str, total: float | None) -> None:
        from rich.console import Console

        # Rich draws the bars of nested steps together if they share a console.
        self._progress: Progress = _progress(_bars[-1]._progress.console if _bars else Console(stderr=True))
        self._task = self._progress.add_task(visible(description), total=total, note="")
        self._note = ""
        self._progress.start()
        _bars.append(self)

    def advance(self, amount: float = 1) -> None:
        self._progress.advance(self._task, amount)

    def reach(self, done: float) -> None:
        self._progress.update(self._task, completed=done)

    def note(self, text: str) -> None:
        self._note = text
        self._progress.update(self._task, note=visible(text))

    def say(self, text: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text(visible(text)), soft_wrap=True)

    def end(self, line: str, *, finished: bool) -> None:
        from rich.text import Text

        mark = Text("✓ ", style="green") if finished else Text("  ")
        text = mark.append(visible(f"{line}{_tail(self._note)}"), style="default")
        try:
            self._progress.console.print(text, soft_wrap=True)
        finally:
            self._progress.stop()
            _bars.remove(self)


_bars: list[_Bar] = []
"""Bars of the running steps, the outermost first."""


class _Line(Step):
    """Step that is shown without a terminal.

    Its start line is printed `_PLAIN_AFTER_S` after the start, so that shorter steps have only an end line.
    """

    def __init__(self, description: str, total: float | None) -> None:
        self._description, self._total, self._done, self._note = description, total, 0.0, ""
        self._started = self._printed = time.monotonic()
        self._first = threading.Timer(_PLAIN_AFTER_S, self._print_first)
        self._first.daemon = True
        self._first.start()

    def advance(self, amount: float = 1) -> None:
        self.reach(self._done + amount)

    def reach(self, done: float) -> None:
        self._done = done
        if self._total:
            self._print_if_due()

    def note(self, text: str) -> None:
        self._note = text
        self._print_if_due()

    def say(self, text: str) -> None:
        self._printed = time.monotonic()
        say(text)

    def end(self, line: str, *, finished: bool) -> None:
        self._first.cancel()
        say(f"{line}{_tail(self._note)}")

    def _print_first(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # stderr is closed
            self._print()

    def _print_if_due(self) -> None:
        now = time.monotonic()
        if now - self._printed > _PLAIN_EVERY_S:
            self._print("" if self._total else f" {now - self._started:.0f} s")

    def _print(self, elapsed: str = "") -> None:
        self._printed = time.monotonic()
        share = f" {self._done / self._total:.0%}" if self._total else ""
        say(f"{self._description} ...{share}{elapsed}{_tail(self._note)}")


def _tail(note: str) -> str:
    return f"  {note}" if note else ""


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
