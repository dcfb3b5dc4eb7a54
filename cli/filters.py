"""Commands `alsolike filters`: check and list filters."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from typer import Argument, Option

from alsolike.filters import parser
from alsolike.filters.tree import Filter
from alsolike.runtime.errors import InvalidFilter
from cli import terminal
from cli.config import read_file
from cli.group import CommandGroup
from cli.options import Context, File
from operations.configuration.deployed_configuration import live_configuration
from operations.filters.explanation import explain

app = CommandGroup(help="List and check filters.")


@app.command("check")
def check(
    context: Context,
    name_or_expression: Annotated[str, Argument(metavar="NAME|EXPRESSION", help="Name of a filter, or an expression.")],
    value: Annotated[
        list[str] | None,
        Option(metavar="PARAMETER=VALUE", help="Value of a parameter, as in filterValues; repeatable."),
    ] = None,
    user: Annotated[
        list[str] | None, Option(metavar="COLUMN=VALUE", help="Property of CurrentUser; repeatable.")
    ] = None,
    at: Annotated[
        str | None, Option(metavar="TIME", help="Value of NOW; ISO 8601 with a zone.", show_default="now")
    ] = None,
    file: File = None,
) -> None:
    """Check and explain a filter, and count the passing items.

    The count is for a user without interactions. Exit with 1 if the filter has errors, or if stored values do not
    have the declared types.

    Example: alsolike filters check 'INCLUDE ItemID WHERE Items.IN_STOCK IN ("true")'
    """
    from operations.filters import catalogue

    deployment = context.deployment
    configuration = live_configuration(deployment) if file is None else read_file(file, context).configuration
    inputs = catalogue.filter_inputs(user or [], value or [], at=at, configuration=configuration)
    expression = configuration.filters.get(name_or_expression, name_or_expression)
    parsed: Filter | None = None
    try:
        parsed = parser.parse(expression)
        problems = sorted(catalogue.problems(parsed, configuration))
    except InvalidFilter as error:
        problems = [(error.offset, str(error))]
    snapshot = catalogue.read_snapshot(deployment)
    if file is not None:
        snapshot = snapshot.with_columns(configuration.item_columns)
    passing = None if parsed is None or problems else catalogue.passing(parsed, snapshot, configuration, inputs)
    contradictions = [] if parsed is None else catalogue.filter_contradictions(parsed, snapshot, configuration)
    hints = [hint for _, hint in catalogue.unmatched_values(parsed, snapshot)] if parsed else []
    sentences = explain(parsed) if parsed else []
    document = {
        "expression": expression,
        "explanation": sentences,
        "problems": [{"offset": offset, "message": message} for offset, message in problems],
        "contradictions": contradictions,
        "hints": hints,
        "parameters": list(parsed.parameters) if parsed else [],
        "items": len(snapshot),
        "passing": passing,
    }
    if not context.printed(document):
        # Replace white space with spaces, so that the expression is one line and character positions do not change.
        line = re.sub(r"\s", " ", expression)
        terminal.print_line(line)
        for offset, message in problems:
            terminal.print_line(f"{' ' * terminal.width(line[:offset])}^ {message}")
        terminal.print_lines((*contradictions, *(f"hint: {hint}" for hint in hints), *sentences))
        if passing is not None:
            terminal.print_line(
                f"{passing:,} of {len(snapshot):,} items pass{catalogue.user_data_note(parsed, inputs)}"
            )
        elif parsed is not None and not problems:
            terminal.print_line(f"not counted: it needs {catalogue.needed(parsed, inputs)}")
    if problems or contradictions:
        raise typer.Exit(1)


@app.command("list")
def list_filters(context: Context) -> None:
    """List the filters of the configuration.

    Example: alsolike filters list
    """
    expressions = live_configuration(context.deployment).filters
    context.print_rows(
        dict(expressions),
        ["filter", "expression"],
        sorted(expressions.items()),
        empty="The configuration has no filters. Add them under `filters` and run `alsolike config apply`.",
    )
