"""Commands `alsolike keys` and `alsolike session-token`: credentials for servers and browsers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from alsolike.declarations.routes import ADMINISTER, READ_METRICS, READ_RECOMMENDATIONS, WRITE_EVENTS
from cli import terminal
from cli.group import CommandGroup
from cli.options import Connection, Context, Output
from operations import session_tokens, times

if TYPE_CHECKING:
    from operations.client.deployment import Deployment
    from operations.keys import Keys, NewKey

app = CommandGroup(help="Manage the key pairs of the shop's servers.")


class Access(StrEnum):
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    METRICS = "metrics"


SCOPES = {
    Access.READ: READ_RECOMMENDATIONS,
    Access.WRITE: WRITE_EVENTS,
    Access.ADMIN: ADMINISTER,
    Access.METRICS: READ_METRICS,
}
"""Scope that each access right gives to a key. The API's routes require these scopes."""


Client = Annotated[str, Argument(metavar="CLIENT", help="Name of the program that uses the key.")]
KeyId = Annotated[str, Argument(metavar="KEY_ID", help="Access key ID.")]
Days = Annotated[
    int | None, Option("--days", min=1, max=36_500, help="Validity in days; without it, the key never expires.")
]


@app.command()
def create(
    context: Context,
    client: Client,
    access: Annotated[
        list[Access],
        Option(
            help="read: recommendations; write: events, items, users; metrics: GET /metrics; admin: all other routes."
        ),
    ] = [Access.READ, Access.WRITE],  # noqa: B006  typer copies it
    days: Days = None,
) -> None:
    """Create a key pair and print its environment variables.

    Clients of Amazon Personalize read these variables. The secret is shown only once. The key becomes valid within 10
    seconds.

    Example: eval "$(alsolike keys create checkout)"
    """
    deployment, keys, now_ms = _open(context)
    new = keys.create(
        client, scopes={SCOPES[each] for each in access}, now_ms=now_ms, expires_ms=times.days_later(now_ms, days)
    )
    _print(new, deployment, context)


@app.command()
def rotate(context: Context, client: Client, days: Days = None) -> None:
    """Create a second key pair with the same access.

    The old key stays active. Disable it when `alsolike keys list` shows no more use of it.

    Example: alsolike keys rotate checkout
    """
    deployment, keys, now_ms = _open(context)
    _print(keys.rotate(client, now_ms=now_ms, expires_ms=times.days_later(now_ms, days)), deployment, context)


@app.command("list")
def list_(context: Context) -> None:
    """List all keys with their access, status and use.

    The use consists of the time and IP address of the last call, and the number of calls. Each process of the API
    writes it at most once per minute.

    Example: alsolike keys list
    """
    _, keys, now_ms = _open(context)
    rows = keys.rows(names={scope: access.value for access, scope in SCOPES.items()}, now_ms=now_ms)
    context.print_rows(
        rows,
        ["client", "key ID", "access", "status", "created", "expires", "last used", "source", "calls"],
        [[_cell(value) for value in row.values()] for row in rows],
    )


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value or "never")


@app.command()
def disable(connection: Connection, key_id: KeyId) -> None:
    """Disable a key. Requests with it are refused within a minute.

    Example: alsolike keys disable ALSOJ2QW7ZLZ5XKVJT3O
    """
    _, keys, _ = _open(connection)
    keys.disable(key_id)
    terminal.say(f"disabled {key_id}; requests with it are refused within a minute")


@app.command()
def delete(connection: Connection, key_id: KeyId) -> None:
    """Delete a key. Requests with it are refused within a minute.

    Example: alsolike keys delete ALSOJ2QW7ZLZ5XKVJT3O
    """
    _, keys, _ = _open(connection)
    keys.delete(key_id)
    terminal.say(f"deleted {key_id}; requests with it are refused within a minute")


def session_token(
    connection: Connection,
    session: Annotated[str, Option(metavar="ID", help="Session ID.", show_default=False)],
    user: Annotated[str | None, Option(metavar="ID", help="ID of the logged-in user.")] = None,
    lifetime: Annotated[str, Option(help="Validity in seconds, or with a unit: s, m or h. At most 1h.")] = "15m",
) -> None:
    """Print a session token for a browser.

    A browser sends events and reads recommendations with it. The command needs read access to the deployment's session
    key. A shop's backend creates its own tokens, see docs/sessions.md.

    Example: alsolike session-token --session s-1 --user 42
    """
    lifetime_s = session_tokens.seconds(lifetime, option="--lifetime")
    terminal.print_line(session_tokens.create(connection.deployment, session, user, lifetime_s=lifetime_s))


def _open(connection: Connection) -> tuple[Deployment, Keys, int]:
    from operations.keys import Keys

    deployment = connection.deployment
    return deployment, Keys.of(deployment), times.now_ms()


def _print(new: NewKey, deployment: Deployment, output: Output) -> None:
    import shlex

    from operations.keys import environment_variables

    variables = environment_variables(new, deployment.names, certificate=deployment.certificate)
    output.print(
        {"client": new.key.client, "scopes": new.key.scopes, "environment": variables},
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )
