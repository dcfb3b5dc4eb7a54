"""`alsolike import`: bulk import of Personalize's data files."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from cli.importing.summary import ImportSummary

app = typer.Typer(no_args_is_help=True, help="Import Personalize's data files: CSV, CSV.gz or Parquet.")

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", show_default=False, help="Paths, s3://bucket/key, s3://bucket/prefix/ or *."),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="THEIRS=OURS", help="A column's name here, as VISITOR_ID=USER_ID; repeatable."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")]

_INTERRUPTED = 130


@app.command("interactions")
def interactions(
    files: Files,
    event_type: Annotated[
        str, typer.Option(help="Type of the rows that state none: view, click, cart, purchase, or one of your own.")
    ] = "view",
    columns: Map = None,
    dry_run: DryRun = False,
    again: Annotated[bool, typer.Option("--again", help="Also import files that were imported before.")] = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Import USER_ID, ITEM_ID, TIMESTAMP, and more where there is more.

    TIMESTAMP is epoch seconds or milliseconds, or ISO 8601 (UTC if it names no zone). EVENT_TYPE, EVENT_VALUE,
    EVENT_ID, SESSION_ID, RECOMMENDATION_ID, IMPRESSION (a|b|c) and QUERY are understood; a search needs no
    ITEM_ID if it has a QUERY. Other columns become properties of the event.

    Bad rows are written next to the input as FILE.rejected.csv with line and reason; those of an S3 object, here.
    Identical rows count once. After Ctrl-C the same command goes on where it stopped.
    A CSV is UTF-8 with one row a line: a cell that holds a line break makes bad rows (Parquet may hold them).
    """
    from cli import deployment
    from cli.importing.inputs import Options
    from cli.importing.load import import_interactions

    options = Options(columns or (), dry_run, again)
    with _interruptible():
        where = deployment.resolve(stack=stack, state=state)
        summary = import_interactions(files, where, default_event_type=event_type, now_ms=_now_ms(), options=options)
    _show(summary, as_json=as_json)


@app.command("items")
def items(
    files: Files,
    columns: Map = None,
    dry_run: DryRun = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Import ITEM_ID and metadata columns (TITLE, PRICE, CATEGORY_L1, ...; lists as a|b).

    Columns that the configuration declares are read as it says, CREATION_TIMESTAMP as TIMESTAMP of interactions.
    Other columns become numbers, booleans or dates if all cells of all files are such. They become lists if half of
    their distinct cells hold a bar. These types are printed and written to the configuration. Everything else, and
    codes such as ZIP, stay text. The last row of an id wins.
    A CSV is UTF-8 with one row a line: a description with line breaks makes bad rows; Parquet may hold them.
    """
    from cli import deployment
    from cli.importing.inputs import Options
    from cli.importing.load_metadata import import_items

    with _interruptible():
        where = deployment.resolve(stack=stack, state=state)
        summary = import_items(files, where, now_ms=_now_ms(), options=Options(columns or (), dry_run, declares=True))
    _show(summary, as_json=as_json)


@app.command("users")
def users(
    files: Files,
    columns: Map = None,
    dry_run: DryRun = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Import USER_ID and metadata columns (AGE_GROUP, MEMBERSHIP, ...; lists as a|b), at most 25.

    Columns are read as those of items are. The last row of an id wins.
    """
    from cli import deployment
    from cli.importing.inputs import Options
    from cli.importing.load_metadata import import_users

    with _interruptible():
        where = deployment.resolve(stack=stack, state=state)
        summary = import_users(files, where, now_ms=_now_ms(), options=Options(columns or (), dry_run, declares=True))
    _show(summary, as_json=as_json)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Report after Ctrl-C that no imported rows are lost."""
    from cli import console

    try:
        yield
    except KeyboardInterrupt:
        console.say("alsolike: stopped; what is imported stays, and the same command goes on from there")
        raise typer.Exit(_INTERRUPTED) from None


def _show(summary: ImportSummary, *, as_json: bool) -> None:
    from cli import console

    if as_json:
        document = dataclasses.asdict(summary)
        console.print_json({**document, "imported": summary.imported, "rejected": summary.rejected})
    else:
        console.print_table(
            ["file", "would be imported" if summary.dry_run else "imported", "rejected"],
            [[file.file, file.imported, sum(file.rejected.values())] for file in summary.files],
        )
        if summary.inferred:
            types = ", ".join(f"{name} {type_}" for name, type_ in summary.inferred.items())
            console.print_line(f"columns {'found' if summary.dry_run else 'declared in the configuration'}: {types}")
        for file in summary.files:
            for reason, count in file.rejected.items():
                console.print_line(f"{count:,} x {reason}")
            if file.rejected_file:
                console.print_line(f"rejected rows are in {file.rejected_file}")
        if summary.dry_run:
            if summary.days:
                counts = ((summary.days, "day"), (summary.profiles, "user"), (summary.objects, "object"))
                written = ", ".join(console.counted(count, noun) for count, noun in counts)
                console.print_line(f"{written} of the lake would be written")
            console.print_line("nothing was written: this was a dry run")
    for file in summary.files:
        if file.cut_off:
            console.say(f"alsolike: {file.file} breaks off before its end; the rows up to there count")
    stored = summary.imported or summary.imported_before
    if not stored:
        console.say("alsolike: no row was imported")
    if not stored or any(file.cut_off for file in summary.files):
        raise typer.Exit(1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
