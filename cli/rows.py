"""Commands `alsolike items` and `alsolike users`: rows, profiles, erasures and exports."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from typer import Argument, Option

from alsolike.api.path_ids import path_segment
from alsolike.events.interactions import profile_id
from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.group import CommandGroup
from cli.options import Connection, Context, Output, Yes, confirm
from operations import times
from operations.client.api import Api
from operations.client.stored_ids import pseudonyms, stored_ids

if TYPE_CHECKING:
    from alsolike.privacy.erasures import ErasureReceipt
    from alsolike.profiles.profile import Profile

Limit = Annotated[int, Option("--limit", metavar="N", min=1, help="Maximum number of rows.")]
Columns = Annotated[
    list[str], Argument(metavar="COLUMN=VALUE...", show_default=False, help="A VALUE that is not JSON is text.")
]
UserId = Annotated[str, Argument(metavar="USER", show_default=False, help="User ID as the shop sends it.")]
RowId = Annotated[str, Argument(metavar="ID", show_default=False)]


def rows_app(plural: str, article: str, *, id_field: str) -> CommandGroup:
    """Return the commands of `items` or `users`. `article` is the singular with its article for help texts."""
    app = CommandGroup(help=f"Work with {plural}: list, show and change them.")

    @app.command("list", help=f"List {plural} in arbitrary order.\n\nExample: alsolike {plural} list --limit 5")
    def list_rows(context: Context, limit: Limit = 20) -> None:
        rows = list(Api(context.deployment).rows(plural, limit=limit))
        columns = [id_field, "updated", "properties"]
        context.print_rows(
            rows,
            columns,
            [[row[id_field], times.text(row["updatedAt"] * 1000), _text(row["properties"])] for row in rows],
        )

    @app.command("show", help=f"Show {article} with all columns.\n\nExample: alsolike {plural} show 1093")
    def show(context: Context, row_id: RowId) -> None:
        _print(Api(context.deployment).row(plural, row_id), id_field, context)

    @app.command(
        "set",
        help=f"Set columns of {article}, and create it if it is missing. The value null removes a column.\n\n"
        f"Example: alsolike {plural} set 1093 price=0.59",
    )
    def set_columns(context: Context, row_id: RowId, columns: Columns) -> None:
        row, created = Api(context.deployment).set_row(plural, row_id, _changes(columns))
        if created:
            terminal.say(f"created {row_id}")
        _print(row, id_field, context)

    return app


items = rows_app("items", "an item", id_field="itemId")
users = rows_app("users", "a user", id_field="userId")
erasures = CommandGroup(help="Erasures of users, with their progress and receipts.")
users.add_typer(erasures, name="erasures")


@items.command("delete")
def delete_item(connection: Connection, row_id: RowId) -> None:
    """Delete an item from the catalogue.

    Example: alsolike items delete 1093
    """
    Api(connection.deployment).administer("DELETE", f"/items/{path_segment(row_id)}")
    terminal.say(f"deleted {row_id}")


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
        terminal.say(f"the session's interactions until its login are in the profile {found.joined.profile_id}")
    if latest:
        terminal.print_table(
            ["time (UTC)", "event", "item", "event id"],
            [[times.text(each.event_time_ms), each.event_type, each.item_id, each.event_id] for each in latest],
        )
    elif found.erased:
        terminal.say("no data: the user was erased")
    else:
        hint = f"the session {user!r}" if session else f"the user {user!r}. If it is a session, add --session"
        terminal.say(f"no data about {hint}")


def _profile(connection: Connection, user: str, *, session: bool, at: str | None) -> Profile:
    from alsolike.profiles.profile_table import ProfileStore
    from operations.configuration.deployed_configuration import live_configuration
    from operations.recovery.profile_builder import past

    deployment = connection.deployment
    ids = stored_ids(deployment)
    own = (
        profile_id(user_id=None, session_id=ids.session(user))
        if session
        else profile_id(user_id=ids.user(user), session_id=None)
    )
    if at is not None:
        return past(deployment, own, received_by_ms=times.milliseconds(times.moment(at, option="--at")))
    store = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    return store.read(own, length=live_configuration(deployment).limits.history_length)


@users.command("erase")
def erase(
    context: Context,
    user_id: UserId,
    wait: Annotated[bool, Option("--wait", help="Wait for the end of the removal.")] = False,
    yes: Yes = False,
) -> None:
    """Erase a user and remove the stored data.

    From now on, the API discards the user's events and treats the user as unknown. The removal takes more than half an
    hour on AWS, because running writes must end first. You may repeat the command. `alsolike users erasures status`
    shows the progress. Models that were trained on the user's events stay in use until the next training.

    Example: alsolike users erase 42 --wait
    """
    deployment = context.deployment
    confirm(f"erase the data of user {user_id} on {deployment.environment} for good?", yes=yes)
    answer = Api(deployment).administer("DELETE", f"/users/{path_segment(user_id)}")
    erasure = str(answer["erasureId"])
    if wait:
        from operations.erasures import completed

        _print_receipt(completed(deployment, erasure), context)
    elif not context.printed(answer):
        follow = terminal.call("users", "erasures", "status", erasure, *context.options)
        terminal.say(f"erasure {erasure} is running; follow it with {follow}")


@erasures.command("status")
def status(
    context: Context,
    erasure: Annotated[str | None, Argument(metavar="[ID]", show_default=False)] = None,
    user: Annotated[str | None, Option(metavar="USER", help="User of the erasure.")] = None,
) -> None:
    """Show an erasure's receipt.

    It lists removed data, expiry dates, and models that were trained on the user's events.

    Example: alsolike users erasures status --user 42
    """
    from alsolike.privacy.erasures import ErasureReceiptStore, erasure_id

    if (erasure is None) == (user is None):
        raise InvalidInput("expected an erasure's ID or --user, one of them")
    deployment = context.deployment
    if user is not None:
        erasure = erasure_id(pseudonyms(deployment), stored_ids(deployment).user(user))
    assert erasure is not None
    _print_receipt(
        ErasureReceiptStore(deployment.client("s3"), deployment.names.artefact_bucket).read(erasure), context
    )


@erasures.command("repair")
def repair(context: Context) -> None:
    """Restore lost tombstones of erased users from the receipts.

    Example: alsolike users erasures repair
    """
    from alsolike.privacy.tombstones import repair_tombstones

    deployment = context.deployment
    restored = repair_tombstones(deployment.client("s3"), deployment.names.artefact_bucket)
    if not context.printed({"restored": restored}):
        terminal.say(f"{restored:,} tombstones restored" if restored else "no tombstone is missing")


@erasures.command("list")
def list_erasures(context: Context) -> None:
    """List all erasures, the latest first.

    Example: alsolike users erasures list
    """
    from operations.erasures import receipts

    found = sorted(receipts(context.deployment), key=lambda each: each.requested_at_ms, reverse=True)
    context.print_rows(
        [each.document() for each in found],
        ["erasure", "status", "requested", "completed"],
        [[each.erasure_id, each.status, _time(each.requested_at_ms), _time(each.completed_at_ms)] for each in found],
    )


@users.command("export")
def user_data(connection: Connection, user_id: UserId) -> None:
    """Print all stored data about a user as one JSON document.

    The content equals that of all pages of GET /users/{userId}/data, without limits of time and size.

    Example: alsolike users export 42 > user.json
    """
    from operations.erasures import user_data_of

    deployment = connection.deployment
    with terminal.step("objects searched") as step:
        data = user_data_of(deployment, on_object=step.advance)
        for piece in data.document(stored_ids(deployment).user(user_id)):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _print_receipt(receipt: ErasureReceipt, output: Output) -> None:
    if output.printed(receipt.document()):
        return
    terminal.print_line(
        f"erasure {receipt.erasure_id}: {receipt.status}, requested {_time(receipt.requested_at_ms)}"
        + (f", completed {_time(receipt.completed_at_ms)}" if receipt.completed_at_ms else "")
    )
    purged: list[list[object]] = [[each.store, each.what, each.objects, each.records] for each in receipt.purged]
    expiring: list[list[object]] = [[each.store, each.what, each.by] for each in receipt.expiring]
    models: list[list[object]] = [
        [each.version, "yes" if each.is_champion else "", each.trained_with_user, each.replaced_by or "no schedule"]
        for each in receipt.models
    ]
    for title, columns, rows in (
        ("purged", ["store", "what", "objects", "records"], purged),
        ("expiring", ["store", "what", "gone by"], expiring),
        ("models", ["model", "champion", "with the user", "retrained by"], models),
    ):
        if rows:
            terminal.print_table(columns, rows, title=title)


def _time(time_ms: int | None) -> str:
    return "" if time_ms is None else f"{times.text(time_ms, 'minutes')} UTC"


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
