"""`alsolike users erase`, `alsolike users erasures` and `alsolike users export`: what a user may ask a shop for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from alsolike.api.path_ids import path_segment
from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.group import CommandGroup
from cli.options import Connection, Context, Output
from operations import times
from operations.client.api import Api
from operations.client.stored_ids import pseudonyms, stored_ids

if TYPE_CHECKING:
    from alsolike.privacy.erasures import ErasureReceipt

UserId = Annotated[str, Argument(metavar="USER", show_default=False, help="User ID as the shop sends it.")]

app = CommandGroup(help="Erasures of users, with their progress and receipts.")


def erase(
    context: Context,
    user_id: UserId,
    wait: Annotated[bool, Option("--wait", help="Wait for the end of the removal.")] = False,
) -> None:
    """Erase a user and remove the stored data.

    From now on, the API refuses the user's events and recommends nothing to them. The removal takes half an hour on
    AWS, because writes under way must end first. You may repeat the command. Follow it with `alsolike users erasures
    status`. Trained models keep what they learned until the next training.

    Example: alsolike users erase 42 --wait
    """
    where = context.deployment
    answer = Api(where).administer("DELETE", f"/users/{path_segment(user_id)}")
    erasure = str(answer["erasureId"])
    if wait:
        from operations.erasure.completion import completed

        _print(completed(where, erasure), context)
    elif not context.printed(answer):
        console.say(f"erasure {erasure} is running; follow it with {console.call('erasures', 'status', erasure)}")


@app.command("status")
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
    where = context.deployment
    if user is not None:
        erasure = erasure_id(pseudonyms(where), stored_ids(where).user(user))
    assert erasure is not None
    _print(ErasureReceiptStore(where.client("s3"), where.names.artefact_bucket).read(erasure), context)


@app.command("list")
def list_erasures(context: Context) -> None:
    """List all erasures, the latest first.

    Example: alsolike users erasures list
    """
    from operations.erasure.held import receipts

    found = sorted(receipts(context.deployment), key=lambda each: each.requested_at_ms, reverse=True)
    context.print_rows(
        [each.document() for each in found],
        ["erasure", "status", "requested", "completed"],
        [[each.erasure_id, each.status, _time(each.requested_at_ms), _time(each.completed_at_ms)] for each in found],
    )


def user_data(connection: Connection, user_id: UserId) -> None:
    """Print all stored data about a user as one JSON document.

    The content equals that of all pages of GET /users/{userId}/data, without limits of time and size.

    Example: alsolike users export 42 > user.json
    """
    from operations.erasure.held import user_data_of

    where = connection.deployment
    with console.step("objects searched") as step:
        data = user_data_of(where, on_object=step.advance)
        for piece in data.document(stored_ids(where).user(user_id)):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _print(receipt: ErasureReceipt, output: Output) -> None:
    if output.printed(receipt.document()):
        return
    console.print_line(
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
            console.print_table(columns, rows, title=title)


def _time(time_ms: int | None) -> str:
    return "" if time_ms is None else f"{times.text(time_ms, 'minutes')} UTC"
