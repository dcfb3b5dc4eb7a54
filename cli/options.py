"""Options that several commands share."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import terminal
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.name_value_options import pairs

if TYPE_CHECKING:
    from operations.ingest.csv_format import CsvForm

State: TypeAlias = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="State file of the embedded cloud.",
        show_default="ALSOLIKE_STATE, else .alsolike/cloud.json",
    ),
]
Environment: TypeAlias = Annotated[
    str | None, Option("--env", "-e", "--environment", metavar="NAME", help="Environment of cdk.json.")
]
Data: TypeAlias = Annotated[Path, Option(metavar="DIR", help="Directory with the data of the embedded cloud.")]
DEFAULT_DATA = Path(".alsolike/data")
Yes: TypeAlias = Annotated[bool, Option("--yes", "-y", help="Skip the confirmation.")]
DryRun: TypeAlias = Annotated[bool, Option("--dry-run", help="Print the changes without making them.")]
Latest: TypeAlias = Annotated[int, Option("--limit", min=1, help="Maximum number of rows, the latest first.")]
HistoryReason: TypeAlias = Annotated[str, Option("--reason", help="Reason to record in the history.")]
File: TypeAlias = Annotated[
    Path | None, Option(metavar="FILE", help="Configuration file instead of the live one; - is standard input.")
]
Columns: TypeAlias = Annotated[
    list[str] | None,
    Option("--map", metavar="THEIRS=OURS", help="Name of a column in the file, as in VISITOR_ID=USER_ID; repeatable."),
]
User: TypeAlias = Annotated[str | None, Option("--user", metavar="ID", help="User ID.")]
Recommender: TypeAlias = Annotated[
    str | None, Option(metavar="NAME", help="Recommender, such as similar-items.", show_default="for-you")
]
FilterValues: TypeAlias = Annotated[
    list[str] | None, Option("--value", metavar="P=V", help="Value V of the filter's parameter P; repeatable.")
]
INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def filter_values(given: Sequence[str] | None, *, has_filter: bool) -> dict[str, str]:
    if given and not has_filter:
        raise typer.BadParameter("--value is for the parameters of a filter, but there is no --filter")
    try:
        return dict(pairs(given or (), "--value", "PARAMETER"))
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from error


@contextlib.contextmanager
def interruptible(note: Callable[[], str]) -> Iterator[None]:
    """Print the text of `note` after Ctrl-C, and exit with `INTERRUPTED`."""
    try:
        yield
    except KeyboardInterrupt:
        terminal.say(note())
        raise typer.Exit(INTERRUPTED) from None


def confirm(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True, err=True)


@dataclasses.dataclass(frozen=True)
class Connection:
    stack: Annotated[
        str | None,
        Option(
            "--env", "-e", "--stack", metavar="NAME", help="Deployment on AWS to use instead of the embedded cloud."
        ),
    ] = None
    state: State = None

    @functools.cached_property
    def deployment(self) -> Deployment:
        return deployment.resolve(stack=self.stack, state=self.state)

    @property
    def options(self) -> tuple[str, ...]:
        """Options that select this deployment in another command."""
        return deployment.options(stack=self.stack, state=self.state)


@dataclasses.dataclass(frozen=True)
class Output:
    """Format of a command's results: tables and lines, or one JSON document."""

    as_json: Annotated[bool, Option("--json", help="Print one JSON document.")] = False

    def printed(self, document: object) -> bool:
        """Print the document if JSON is requested, and return true if so."""
        if self.as_json:
            terminal.print_json(document)
        return self.as_json

    def print(self, document: object, *lines: str) -> None:
        if not self.printed(document):
            terminal.print_lines(lines)

    def print_rows(
        self, document: object, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = ""
    ) -> None:
        """Print the document if JSON is requested, and a table otherwise. `empty` replaces a table without rows."""
        if self.printed(document):
            return
        if rows or not empty:
            terminal.print_table(columns, rows)
        else:
            terminal.print_line(empty)


@dataclasses.dataclass(frozen=True)
class Context(Output, Connection):
    """Options of a command that prints data of a deployment."""


@dataclasses.dataclass(frozen=True)
class Csv:
    delimiter: Annotated[
        str, Option("--delimiter", metavar="CHARACTER", help="Character between columns of a CSV, such as ';', or tab.")
    ] = ","
    decimal: Annotated[str, Option("--decimal", metavar=".|,", help="Decimal mark in numbers of a CSV.")] = "."
    encoding: Annotated[
        str, Option("--encoding", metavar="NAME", help="Encoding of a CSV, such as cp1252 for Excel.")
    ] = "utf-8"

    @property
    def form(self) -> CsvForm:
        from operations.ingest.csv_format import CsvForm

        return CsvForm(self.delimiter, self.decimal, self.encoding)
