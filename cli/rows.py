"""`alsolike items` and `alsolike users`: rows of the catalogue and of the users, seen and changed through the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import orjson
import typer

from alsolike.api.path_ids import path_segment
from alsolike.runtime.errors import InvalidInput, NotFound
from cli import console, profile
from cli.erasing import command as erasing
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.api import Api

if TYPE_CHECKING:
    from pathlib import Path


_LARGEST_PAGE = 1000

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Maximum number of rows.")]
Columns = Annotated[
    list[str], typer.Argument(metavar="COLUMN=VALUE...", show_default=False, help="VALUE is JSON or else text.")
]
RowId = Annotated[str, typer.Argument(metavar="ID", show_default=False)]


def rows_app(plural: str, article: str, *, id_field: str) -> typer.Typer:
    """Return the commands of `items` or `users`.

    Parameters
    ----------
    plural
        First part of the API's path.
    article
        Singular with its article, for help texts.
    id_field
        Name of the ID in the API.
    """
    app = typer.Typer(no_args_is_help=True, help=f"Work with {plural}: list, show and change them.")

    @app.command("list", help=f"List {plural} in arbitrary order.\n\nExample: alsolike {plural} list --limit 5")
    def list_rows(limit: Limit = 20, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:

        rows = list(_listed(_api(stack, state), plural, limit=limit))
        if as_json:
            console.print_json(rows)
        else:
            console.print_table([id_field, "updated", "properties"], [_cells(row, id_field) for row in rows])

    @app.command("show", help=f"Show {article} with all columns.\n\nExample: alsolike {plural} show 1093")
    def show(row_id: RowId, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
        _print(_api(stack, state).administer("GET", _path(plural, row_id)), id_field, as_json=as_json)

    @app.command(
        "set",
        help=f"Set columns of {article}, and create it if it is missing. The value null removes a column.\n\n"
        f"Example: alsolike {plural} set 1093 price=0.59",
    )
    def set_columns(
        row_id: RowId, columns: Columns, stack: Stack = None, state: State = None, as_json: AsJson = False
    ) -> None:
        _print(_set(_api(stack, state), plural, row_id, _changes(columns)), id_field, as_json=as_json)

    return app


items = rows_app("items", "an item", id_field="itemId")
users = rows_app("users", "a user", id_field="userId")
users.command("profile")(profile.profile)
users.command("export")(erasing.user_data)
users.command("erase")(erasing.erase)
users.add_typer(erasing.app, name="erasures")


@items.command("delete")
def delete_item(row_id: RowId, stack: Stack = None, state: State = None) -> None:
    """Delete an item from the catalogue.

    Example: alsolike items delete 1093
    """
    _api(stack, state).administer("DELETE", _path("items", row_id))
    console.say(f"deleted {row_id}")


def _set(api: Api, plural: str, row_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change a row, or create it where there is none; return it."""
    path = _path(plural, row_id)
    try:
        return api.administer("PATCH", path, changes)
    except NotFound:
        api.put_row(plural, row_id, {name: value for name, value in changes.items() if value is not None})
        console.say(f"created {row_id}")
        return api.administer("GET", path)


def _api(stack: str | None, state: Path | None) -> Api:
    return Api(deployment.resolve(stack=stack, state=state))


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


def _print(row: Mapping[str, Any], id_field: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json(row)
        return
    columns = sorted(row["properties"].items())
    console.print_table(["column", "value"], [[id_field, row[id_field]], *([name, _text(v)] for name, v in columns)])


def _cells(row: Mapping[str, Any], id_field: str) -> list[object]:
    updated = dt.datetime.fromtimestamp(row["updatedAt"], dt.UTC)
    return [row[id_field], f"{updated:%Y-%m-%d %H:%M:%S}", _text(row["properties"])]


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
