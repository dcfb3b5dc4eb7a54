"""`alsolike items` and `alsolike users`: rows of the catalogue and of the users, seen and changed through the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import orjson
from typer import Argument, Option

from alsolike.api.path_ids import path_segment
from alsolike.events.interactions import profile_id
from alsolike.runtime.errors import InvalidInput, NotFound
from cli import console, erasure
from cli.group import CommandGroup
from cli.options import Connection, Context, Output
from operations import times
from operations.client.api import Api
from operations.client.stored_ids import stored_ids

if TYPE_CHECKING:
    from alsolike.profiles.store import Profile

_LARGEST_PAGE = 1000

Limit = Annotated[int, Option("--limit", metavar="N", min=1, help="Maximum number of rows.")]
Columns = Annotated[
    list[str], Argument(metavar="COLUMN=VALUE...", show_default=False, help="VALUE is JSON or else text.")
]
RowId = Annotated[str, Argument(metavar="ID", show_default=False)]


def rows_app(plural: str, article: str, *, id_field: str) -> CommandGroup:
    """Return the commands of `items` or `users`. `article` is the singular with its article, for help texts."""
    app = CommandGroup(help=f"Work with {plural}: list, show and change them.")

    @app.command("list", help=f"List {plural} in arbitrary order.\n\nExample: alsolike {plural} list --limit 5")
    def list_rows(context: Context, limit: Limit = 20) -> None:
        rows = list(_listed(Api(context.deployment), plural, limit=limit))
        columns = [id_field, "updated", "properties"]
        context.print_rows(
            rows,
            columns,
            [[row[id_field], times.text(row["updatedAt"] * 1000), _text(row["properties"])] for row in rows],
        )

    @app.command("show", help=f"Show {article} with all columns.\n\nExample: alsolike {plural} show 1093")
    def show(context: Context, row_id: RowId) -> None:
        _print(Api(context.deployment).administer("GET", _path(plural, row_id)), id_field, context)

    @app.command(
        "set",
        help=f"Set columns of {article}, and create it if it is missing. The value null removes a column.\n\n"
        f"Example: alsolike {plural} set 1093 price=0.59",
    )
    def set_columns(context: Context, row_id: RowId, columns: Columns) -> None:
        _print(_set(Api(context.deployment), plural, row_id, _changes(columns)), id_field, context)

    return app


items = rows_app("items", "an item", id_field="itemId")
users = rows_app("users", "a user", id_field="userId")
users.command("export")(erasure.user_data)
users.command("erase")(erasure.erase)
users.add_typer(erasure.app, name="erasures")


@items.command("delete")
def delete_item(connection: Connection, row_id: RowId) -> None:
    """Delete an item from the catalogue.

    Example: alsolike items delete 1093
    """
    Api(connection.deployment).administer("DELETE", _path("items", row_id))
    console.say(f"deleted {row_id}")


@users.command("profile")
def profile(
    context: Context,
    user: Annotated[str, Argument(metavar="USER", help="User ID, or session ID with --session.")],
    session: Annotated[bool, Option("--session", help="USER is a session ID.")] = False,
    at: Annotated[str | None, Option(metavar="TIME", help="Time of the profile, ISO 8601 with a zone.")] = None,
) -> None:
    """Show the interactions of a user's profile, the latest first.

    Without --at, show the live profile. With --at, show the interactions that had arrived by that time, from the lake.

    Example: alsolike users profile 42 --at 2026-03-01T12:00:00Z
    """
    found = _profile(context, user, session=session, at=at)
    latest = found.recent[::-1]
    document = {
        "profile_id": found.profile_id,
        "erased": found.erased,
        "joined": found.joined and dataclasses.asdict(found.joined),
        "recent": [each._asdict() for each in latest],
    }
    if context.printed(document):
        return
    if found.joined is not None:
        console.say(f"the session's interactions until its login are in the profile {found.joined.profile_id}")
    if latest:
        console.print_table(
            ["time (UTC)", "event", "item", "event id"],
            [[times.text(each.event_time_ms), each.event_type, each.item_id, each.event_id] for each in latest],
        )
    elif found.erased:
        console.say("no data: the user was erased")
    else:
        hint = f"the session {user!r}" if session else f"the user {user!r}. If it is a session, add --session"
        console.say(f"no data about {hint}")


def _profile(connection: Connection, user: str, *, session: bool, at: str | None) -> Profile:
    from alsolike.profiles.store import ProfileStore
    from operations.recovery.past_profile import past
    from operations.recovery.writing import history_length

    where = connection.deployment
    ids = stored_ids(where)
    own = (
        profile_id(user_id=None, session_id=ids.session(user))
        if session
        else profile_id(user_id=ids.user(user), session_id=None)
    )
    if at is not None:
        return past(where, own, received_by_ms=times.milliseconds(times.moment(at, option="--at")))
    store = ProfileStore(where.client("dynamodb"), where.names.profiles_table)
    return store.read(own, length=history_length(where))


def _set(api: Api, plural: str, row_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a row, or create it where there is none; return it."""
    path = _path(plural, row_id)
    try:
        return api.administer("PATCH", path, changes)
    except NotFound:
        api.put_row(plural, row_id, {name: value for name, value in changes.items() if value is not None})
        console.say(f"created {row_id}")
        return api.administer("GET", path)


def _path(plural: str, row_id: str) -> str:
    return f"/{plural}/{path_segment(row_id)}"


def _listed(api: Api, plural: str, *, limit: int) -> Iterator[dict[str, Any]]:
    token = ""
    while limit > 0:
        query = f"?limit={min(limit, _LARGEST_PAGE)}" + (f"&nextToken={quote(token)}" if token else "")
        page = api.administer("GET", f"/{plural}{query}")
        yield from page[plural]
        limit -= len(page[plural])
        if not (token := page.get("nextToken", "")):
            return


def _changes(columns: Sequence[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for column in columns:
        name, equals, text = column.partition("=")
        if not name or not equals:
            raise InvalidInput(f"{column!r} is not a change, expected COLUMN=VALUE")
        try:
            changes[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            changes[name] = text
    return changes


def _print(row: Mapping[str, Any], id_field: str, output: Output) -> None:
    values = [[name, _text(value)] for name, value in sorted(row["properties"].items())]
    output.print_rows(row, ["column", "value"], [[id_field, row[id_field]], *values])


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
