"""`alsolike import`: bulk import of Personalize's data files."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from cli.importing.load import ImportSummary

app = typer.Typer(no_args_is_help=True, help="Import Personalize's data files: CSV, CSV.gz or Parquet.")

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]


@app.command("interactions")
def interactions(
    files: Files,
    event_type: Annotated[
        str, typer.Option(help="Type of the rows that state none: view, click, cart, purchase.")
    ] = "view",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Import USER_ID, ITEM_ID, TIMESTAMP (epoch seconds), and more where there is more.

    EVENT_TYPE, EVENT_VALUE, EVENT_ID, SESSION_ID, RECOMMENDATION_ID and IMPRESSION (a|b|c) are understood;
    other columns become properties of the event. Bad rows are written beside the input as FILE.rejected.csv
    with line and reason. Importing the same file again changes nothing; identical rows count once.
    A CSV is UTF-8 with one row a line: a cell that holds a line break makes bad rows (Parquet may hold them).
    """
    from cli import deployment
    from cli.importing.load import import_interactions

    summary = import_interactions(
        files, deployment.resolve(stack=stack, state=state), default_event_type=event_type, now_ms=_now_ms()
    )
    _show(summary, as_json=as_json)


@app.command("items")
def items(files: Files, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Import ITEM_ID and metadata columns (TITLE, PRICE, CATEGORY_L1, ...; lists as a|b).

    A column of numbers becomes numbers, everything else stays text. The last row of an id wins.
    A CSV is UTF-8 with one row a line: a description with line breaks makes bad rows; Parquet may hold them.
    """
    from cli import deployment
    from cli.importing.load import import_items

    _show(import_items(files, deployment.resolve(stack=stack, state=state), now_ms=_now_ms()), as_json=as_json)


def _show(summary: ImportSummary, *, as_json: bool) -> None:
    from cli import console

    if as_json:
        document = dataclasses.asdict(summary)
        console.print_json({**document, "imported": summary.imported, "rejected": summary.rejected})
    else:
        console.print_table(
            ["file", "imported", "rejected"],
            [[file.file, file.imported, sum(file.rejected.values())] for file in summary.files],
        )
        for file in summary.files:
            for reason, count in file.rejected.items():
                console.print_line(f"{count:,} x {reason}")
            if file.rejected_file:
                console.print_line(f"rejected rows are in {file.rejected_file}")
    if not summary.imported:
        console.say("alsolike: no row was imported")
        raise typer.Exit(1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
