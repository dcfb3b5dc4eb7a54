"""`alsolike token`: an access token of the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.keys import Access
from cli.options import Stack, State


def token(
    access: Annotated[
        Access, typer.Argument(help="read: recommendations; write: events, items and users; admin: all stored rows.")
    ] = Access.READ,
    stack: Stack = None,
    state: State = None,
) -> None:
    """Print an access token of the HTTP API, valid for an hour.

    Example: curl -H "authorization: Bearer $(alsolike token)" ...
    """
    import sys

    from operations.client import deployment

    where = deployment.resolve(stack=stack, state=state)
    sys.stdout.write(f"{where.token(access.scope)}\n")
