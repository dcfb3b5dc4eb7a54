"""`alsolike keys`: key pairs that sign requests, for clients of Amazon Personalize."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from pathlib import Path

    from operations.client.deployment import Deployment
    from operations.keys import Keys, NewKey

app = typer.Typer(no_args_is_help=True, help="Manage the key pairs of the shop's servers.")

MS_PER_DAY = 86_400_000


class Access(StrEnum):
    """The rights of a key or token."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    METRICS = "metrics"

    @property
    def scope(self) -> str:
        """The scope of the API's routes."""
        from alsolike.declarations.routes import ADMINISTER, READ_METRICS, READ_RECOMMENDATIONS, WRITE_EVENTS

        return {
            Access.READ: READ_RECOMMENDATIONS,
            Access.WRITE: WRITE_EVENTS,
            Access.ADMIN: ADMINISTER,
            Access.METRICS: READ_METRICS,
        }[self]


Client = Annotated[str, typer.Argument(metavar="CLIENT", help="Name of the program that uses the key.")]
KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="Access key ID.")]
Days = Annotated[int | None, typer.Option("--days", min=1, help="Validity in days; without it, the key never expires.")]


@app.command()
def create(
    client: Client,
    access: Annotated[
        list[Access],
        typer.Option(
            "--access",
            help="read: recommendations; write: events, items, users; metrics: GET /metrics; admin: all other routes.",
        ),
    ] = [Access.READ, Access.WRITE],  # noqa: B006  typer copies it
    days: Days = None,
    as_json: AsJson = False,
    stack: Stack = None,
    state: State = None,
) -> None:
    """Create a key pair and print its environment variables.

    Clients of Amazon Personalize read them. The secret is shown only once. The key is valid within 5 seconds.

    Example: eval "$(alsolike keys create checkout)"
    """
    where, keys, now_ms = _open(stack, state)
    new = keys.create(client, scopes={each.scope for each in access}, now_ms=now_ms, expires_ms=_expiry(now_ms, days))
    _print(new, where, as_json=as_json)


@app.command()
def rotate(
    client: Client, days: Days = None, as_json: AsJson = False, stack: Stack = None, state: State = None
) -> None:
    """Create a second key pair with the same access.

    The old key stays active. Disable it when `alsolike keys list` shows no more use of it.

    Example: alsolike keys rotate checkout
    """
    where, keys, now_ms = _open(stack, state)
    _print(keys.rotate(client, now_ms=now_ms, expires_ms=_expiry(now_ms, days)), where, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False, stack: Stack = None, state: State = None) -> None:
    """List all keys with their access, status and last day of use.

    Example: alsolike keys list
    """
    from cli import console

    _, keys, now_ms = _open(stack, state)
    names = {access.scope: access.value for access in Access}
    rows = [
        {
            "client": key.client,
            "key_id": key.key_id,
            "access": [names.get(scope, scope) for scope in key.scopes],
            "status": "expired" if key.status == "active" and not key.is_active(now_ms=now_ms) else key.status,
            "created": _day(key.created_ms),
            "expires": None if key.expires_ms is None else _day(key.expires_ms),
            "last_used": key.last_used,
        }
        for key in keys.all()
    ]
    if as_json:
        console.print_json(rows)
        return
    console.print_table(
        ["client", "key ID", "access", "status", "created", "expires", "last used"],
        [[", ".join(value) if isinstance(value, list) else value or "never" for value in row.values()] for row in rows],
    )


@app.command()
def disable(key_id: KeyId, stack: Stack = None, state: State = None) -> None:
    """Disable a key. Requests with it are refused within a minute.

    Example: alsolike keys disable ALSOJ2QW7ZLZ5XKVJT3O
    """
    from cli import console

    _, keys, _ = _open(stack, state)
    keys.disable(key_id)
    console.say(f"disabled {key_id}; requests with it are refused within a minute")


@app.command()
def delete(key_id: KeyId, stack: Stack = None, state: State = None) -> None:
    """Delete a key. Requests with it are refused within a minute.

    Example: alsolike keys delete ALSOJ2QW7ZLZ5XKVJT3O
    """
    from cli import console

    _, keys, _ = _open(stack, state)
    keys.delete(key_id)
    console.say(f"deleted {key_id}; requests with it are refused within a minute")


def _open(stack: str | None, state: Path | None) -> tuple[Deployment, Keys, int]:
    import time

    from operations.client import deployment
    from operations.keys import Keys

    where = deployment.resolve(stack=stack, state=state)
    return where, Keys(where.client, where.names), time.time_ns() // 1_000_000


def _day(time_ms: int) -> str:
    import datetime as dt

    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC).date().isoformat()


def _expiry(now_ms: int, days: int | None) -> int | None:
    return None if days is None else now_ms + days * MS_PER_DAY


def _print(new: NewKey, where: Deployment, *, as_json: bool) -> None:
    import shlex

    from cli import console
    from operations.keys import environment_variables

    variables = environment_variables(new, where)
    if as_json:
        console.print_json({"client": new.key.client, "scopes": new.key.scopes, "environment": variables})
        return
    for name, value in variables.items():
        console.print_line(f"export {name}={shlex.quote(value)}")
