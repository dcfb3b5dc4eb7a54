"""`alsolike openapi` and `alsolike migrate-check`, for developers of clients."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import orjson
import typer
from typer import Argument

from alsolike.configuration.configuration import DEFAULT
from cli import terminal
from cli.options import Output


def openapi() -> None:
    """Print the OpenAPI description of the API.

    The document has the format OpenAPI 3.1 and describes the API of the default configuration.

    Example: alsolike openapi > openapi.json
    """
    from alsolike.api.openapi import description

    terminal.print_line(orjson.dumps(description(DEFAULT), option=orjson.OPT_INDENT_2).decode())


def migrate_check(
    output: Output, folder: Annotated[Path, Argument(help="Folder with sources in Python, JavaScript or TypeScript.")]
) -> None:
    """List the calls of Amazon Personalize that would fail.

    The command reads sources, notebooks and templates, and needs no deployment. It exits with 1 if it finds such calls.

    Example: alsolike migrate-check src
    """
    from operations.migration import find_refused_calls

    found = list(find_refused_calls(folder))
    if found or output.as_json:
        output.print_rows(
            [dataclasses.asdict(one) for one in found],
            ["place", "call", "instead"],
            [[f"{one.file}:{one.line}", one.call, f"{one.instead}."] for one in found],
        )
    else:
        terminal.say(f"no call of Amazon Personalize in {folder} would fail")
    if found:
        raise typer.Exit(1)
