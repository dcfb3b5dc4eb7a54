"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Stack: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--env", "-e", "--stack", metavar="NAME", help="Deployment on AWS to use instead of the embedded cloud."
    ),
]
State: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="State file of the embedded cloud.",
        show_default="ALSOLIKE_STATE, else .alsolike/cloud.json",
    ),
]
Data: TypeAlias = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Directory that keeps the data of the embedded cloud.")
]
DEFAULT_DATA = Path(".alsolike/data")
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]
