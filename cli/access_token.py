"""`alsolike token`: an access token of the HTTP API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from alsolike.declarations.routes import ADMINISTER, READ_RECOMMENDATIONS, WRITE_EVENTS
from cli.options import Stack, State


class Access(StrEnum):
    """The rights of a token."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


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

    scopes = {
        Access.READ: READ_RECOMMENDATIONS,
        Access.WRITE: WRITE_EVENTS,
        Access.ADMIN: ADMINISTER,
    }
    where = deployment.resolve(stack=stack, state=state)
    sys.stdout.write(f"{where.token(scopes[access])}\n")
