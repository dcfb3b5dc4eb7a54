"""`alsolike migrate-check`: calls of Amazon Personalize that would fail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson


def migrate_check(
    folder: Annotated[Path, typer.Argument(help="Folder with sources in Python, JavaScript or TypeScript.")],
    as_json: AsJson = False,
) -> None:
    """List the calls of Amazon Personalize that would fail.

    The command reads sources, notebooks and templates, and needs no deployment. It exits with 1 if it finds such calls.

    Example: alsolike migrate-check src
    """
    import dataclasses

    from cli import console
    from operations.migration import find_refused_calls

    found = list(find_refused_calls(folder))
    if as_json:
        console.print_json([dataclasses.asdict(one) for one in found])
    elif found:
        rows = [[f"{one.file}:{one.line}", one.call, f"{one.instead}."] for one in found]
        console.print_table(["place", "call", "instead"], rows)
    else:
        console.say(f"no call of Amazon Personalize in {folder} would fail")
    if found:
        raise typer.Exit(1)
