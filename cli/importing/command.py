"""`alsolike import`: bulk import of Personalize's data files."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.progress import counted

if TYPE_CHECKING:
    from operations.ingest.summary import ImportSummary

app = typer.Typer(no_args_is_help=True, help="Import interactions, items and users.")

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        show_default=False,
        help="Paths with * as a wildcard, s3://bucket/key or s3://bucket/prefix/.",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="THEIRS=OURS", help="Name of a column in the file, as in VISITOR_ID=USER_ID; repeatable."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check the files without writing.")]

_INTERRUPTED = 130


@app.command("interactions")
def interactions(
    files: Files,
    event_type: Annotated[
        str, typer.Option(help="Event type of rows without one: view, click, cart, purchase, or one of your own.")
    ] = "view",
    columns: Map = None,
    dry_run: DryRun = False,
    again: Annotated[bool, typer.Option("--again", help="Import files again that were imported before.")] = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Import interactions: USER_ID, ITEM_ID, TIMESTAMP.

    TIMESTAMP is epoch seconds or milliseconds, or ISO 8601 (UTC without a zone). Optional columns: EVENT_TYPE,
    EVENT_VALUE, EVENT_ID, SESSION_ID, RECOMMENDATION_ID, IMPRESSION (a|b|c) and QUERY. A search with a QUERY needs no
    ITEM_ID. All other columns become properties of the event.

    FILE.rejected.csv next to the input lists rejected rows with line and reason; for an S3 object, it is in the current
    folder. Identical rows count once. After Ctrl-C, repeat the command to continue. A CSV is UTF-8 with one row per
    line; only Parquet may have cells with line breaks.

    Example: alsolike import interactions orders.csv --event-type purchase --map CUSTOMER=USER_ID
    """
    from operations.ingest.inputs import Options
    from operations.ingest.load import import_interactions

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
    """Import items: ITEM_ID and metadata columns.

    Examples of columns: TITLE, PRICE, CATEGORY_L1; lists as a|b. The configuration declares the types of columns. The
    command infers the other types from all cells of all files, prints them and adds them to the configuration. A column
    is a list if half of its distinct cells contain a bar. Other columns, and codes such as ZIP, are text. The last row
    of an ID wins. A CSV is UTF-8 with one row per line; only Parquet may have cells with line breaks.

    Example: alsolike import items products.csv --map SKU=ITEM_ID
    """
    from operations.ingest.inputs import Options
    from operations.ingest.load_metadata import import_items

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
    """Import users: USER_ID and at most 25 metadata columns.

    Examples of columns: AGE_GROUP, MEMBERSHIP; lists as a|b. Types of columns are declared or inferred as for items.
    The last row of an ID wins.

    Example: alsolike import users customers.csv
    """
    from operations.ingest.inputs import Options
    from operations.ingest.load_metadata import import_users

    with _interruptible():
        where = deployment.resolve(stack=stack, state=state)
        summary = import_users(files, where, now_ms=_now_ms(), options=Options(columns or (), dry_run, declares=True))
    _show(summary, as_json=as_json)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Report after Ctrl-C that no imported rows are lost."""
    try:
        yield
    except KeyboardInterrupt:
        console.say("alsolike: stopped; imported rows stay, and the same command continues")
        raise typer.Exit(_INTERRUPTED) from None


def _show(summary: ImportSummary, *, as_json: bool) -> None:
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
                written = ", ".join(counted(count, noun) for count, noun in counts)
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
