"""`alsolike import`: bulk import of data files, and removal of imports."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from alsolike.records.interaction import FILE_OPTIONAL, FILE_REQUIRED
from cli import terminal
from cli.group import CommandGroup
from cli.options import Columns, Context, Csv, Output, Yes, confirm, interruptible
from operations import times
from operations.progress import counted

if TYPE_CHECKING:
    from operations.ingest.inputs import Options
    from operations.ingest.summary import ImportSummary

app = CommandGroup(help="Import interactions, items and users.")

Files = Annotated[
    list[str],
    Argument(
        metavar="FILE...",
        show_default=False,
        help="Local files, s3://bucket/key with * as a wildcard, or s3://bucket/prefix/.",
    ),
]
DryRun = Annotated[bool, Option("--dry-run", help="Check the files without importing them.")]

_INTERACTIONS = f"""Import interactions: {", ".join(FILE_REQUIRED)}.

TIMESTAMP is epoch seconds or milliseconds, or ISO 8601 (UTC without a zone). Optional columns:
{", ".join(FILE_OPTIONAL)}. IMPRESSION is a list such as a|b|c. A search with a QUERY needs no
ITEM_ID. All other columns become properties of the event.

FILE.rejected.csv next to the input lists rejected rows with line and reason. For an S3 object, this file is in the
current folder. By default, a CSV has commas, decimal points and UTF-8. Identical rows count once. After Ctrl-C, repeat
the command to continue. Quoted cells of a CSV may have line breaks, up to 1,000 lines per row.

Example: alsolike import interactions orders.csv --event-type purchase --map CUSTOMER=USER_ID
"""


@app.command("interactions", help=_INTERACTIONS)
def interactions(
    context: Context,
    csv: Csv,
    files: Files,
    event_type: Annotated[
        str, Option(help="Event type of rows without one: view, click, cart, purchase, or one of your own.")
    ] = "view",
    columns: Columns = None,
    dry_run: DryRun = False,
    again: Annotated[bool, Option("--again", help="Also import files that were imported before.")] = False,
    platform: Annotated[
        str, Option("--from", metavar="FORMAT", help="Format of another platform: ga4, segment or shopify-orders.")
    ] = "",
) -> None:
    from operations.ingest.inputs import Options
    from operations.ingest.load_interactions import import_interactions
    from operations.ingest.platforms.converting import format_of

    load = functools.partial(import_interactions, default_event_type=event_type)
    converted = format_of(platform, "interactions") if platform else None
    _import(load, files, context, Options(columns or (), dry_run, again, form=csv.form, platform=converted))


@app.command("items")
def items(
    context: Context,
    csv: Csv,
    files: Files,
    columns: Columns = None,
    dry_run: DryRun = False,
    platform: Annotated[
        str,
        Option("--from", metavar="FORMAT", help="Format of another platform: google-merchant, shopify or woocommerce."),
    ] = "",
) -> None:
    """Import items: ITEM_ID and metadata columns.

    Examples of columns: TITLE, PRICE, CATEGORY_L1. Write lists as a|b. The configuration declares the types of columns.
    The command infers undeclared types from all cells of all files, prints them and adds them to the configuration. A
    column is a list if at least half of its distinct cells contain a bar, without spaces at bars or long parts. In a
    CSV, codes such as ZIP are not numbers. Columns without another type are text. If rows have the same ID, the last
    row is imported. Quoted cells of a CSV may have line breaks, up to 1,000 lines per row.

    Example: alsolike import items products.csv --map SKU=ITEM_ID
    """
    from cli.next_steps import STOCK_TITLE, stock_suggestion
    from operations.ingest.inputs import Options
    from operations.ingest.load_metadata import import_items
    from operations.ingest.platforms.converting import format_of

    converted = format_of(platform, "items") if platform else None
    options = Options(columns or (), dry_run, declares=True, form=csv.form, platform=converted)
    _import(import_items, files, context, options)
    if not (dry_run or context.as_json) and (suggestion := stock_suggestion(context.deployment, reach=context.options)):
        terminal.print_line(f"{STOCK_TITLE}: {suggestion}")


@app.command("users")
def users(context: Context, csv: Csv, files: Files, columns: Columns = None, dry_run: DryRun = False) -> None:
    """Import users: USER_ID and at most 25 metadata columns.

    Examples of columns: AGE_GROUP, MEMBERSHIP. Write lists as a|b. Types of columns are declared or inferred as for
    items. If rows have the same ID, the last row is imported.

    Example: alsolike import users customers.csv
    """
    from operations.ingest.inputs import Options
    from operations.ingest.load_metadata import import_users

    _import(import_users, files, context, Options(columns or (), dry_run, declares=True, form=csv.form))


@app.command("list")
def list_(context: Context) -> None:
    """List imports of interactions, latest first.

    Example: alsolike import list
    """
    from operations.ingest.undo import imports

    found = imports(context.deployment)
    context.print_rows(
        [dataclasses.asdict(each) for each in found],
        ["ID", "time (UTC)", "files", "rows", ""],
        [
            [str(each.import_id), times.text(each.import_id), ", ".join(each.files), each.rows,
             "" if each.is_complete else "interrupted"]
            for each in found
        ],
    )  # fmt: skip


@app.command("undo")
def undo(
    context: Context, import_id: Annotated[int, Argument(metavar="ID", help="ID of the import.")], yes: Yes = False
) -> None:
    """Remove an import from the lake and the live profiles.

    Live events of the same time stay. The champion still contains the imported interactions until the next training. To
    undo an import of items or users, run `alsolike restore --only catalogue --to` with a time before the import.

    Example: alsolike import undo 1796043246924
    """
    from operations.ingest.undo import undo as undo_import

    deployment = context.deployment
    confirm(f"remove import {import_id} from {deployment.environment}?", yes=yes)
    undone = undo_import(deployment, import_id)
    if not context.printed(dataclasses.asdict(undone)):
        terminal.say(
            f"removed {counted(undone.rows, 'row')} from {counted(undone.objects, 'lake object')} and "
            f"{counted(undone.profiles, 'live profile')}; run `alsolike train` next"
        )


def _import(load: Callable[..., ImportSummary], files: list[str], context: Context, options: Options) -> None:
    with interruptible(lambda: "alsolike: stopped; imported rows stay, and the same command continues"):
        summary = load(files, context.deployment, now_ms=times.now_ms(), options=options)
    _show(summary, context)


def _show(summary: ImportSummary, output: Output) -> None:
    counts = {"imported": summary.imported, "rejected": summary.rejected}
    if not output.printed({**dataclasses.asdict(summary), **counts}):
        terminal.print_table(
            ["file", "would be imported" if summary.dry_run else "imported", "rejected"],
            [[file.file, file.imported, sum(file.rejected.values())] for file in summary.files],
        )
        terminal.print_lines(summary.lines())
    for file in summary.files:
        if file.cut_off:
            terminal.say(f"alsolike: {file.file} ends early; only the rows before this point were read")
    stored = summary.imported or summary.imported_before
    if not stored:
        terminal.say("alsolike: no row was imported")
    if not stored or any(file.cut_off for file in summary.files):
        raise typer.Exit(1)
