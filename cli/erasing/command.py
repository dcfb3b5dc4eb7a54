"""`alsolike users erase`, `alsolike users erasures` and `alsolike users export`: what a user may ask a shop for."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from alsolike.api.path_ids import path_segment
from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.api import Api
from operations.client.stored_ids import pseudonyms, stored_ids

if TYPE_CHECKING:
    from alsolike.privacy.erasures import ErasureReceipt

UserId = Annotated[str, typer.Argument(metavar="USER", show_default=False, help="User ID as the shop sends it.")]

app = typer.Typer(no_args_is_help=True, help="Erasures of users, with their progress and receipts.")


def erase(
    user_id: UserId,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the removal.")] = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Erase a user and remove the stored data.

    From now on, the API refuses the user's events and recommends nothing to them. The removal takes half an hour on
    AWS, because writes under way must end first. You may repeat the command. Follow it with `alsolike users erasures
    status`. Trained models keep what they learned until the next training.

    Example: alsolike users erase 42 --wait
    """
    where = deployment.resolve(stack=stack, state=state)
    answer = Api(where).administer("DELETE", f"/users/{path_segment(user_id)}")
    erasure = str(answer["erasureId"])
    if wait:
        from operations.erasure.completion import completed

        _print(completed(where, erasure), as_json=as_json)
    elif as_json:
        console.print_json(answer)
    else:
        console.say(f"erasure {erasure} is running; follow it with {console.call('erasures', 'status', erasure)}")


@app.command("status")
def status(
    erasure: Annotated[str | None, typer.Argument(metavar="[ID]", show_default=False)] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="User of the erasure.")] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show an erasure's receipt.

    It lists removed data, expiry dates, and models that were trained on the user's events.

    Example: alsolike users erasures status --user 42
    """
    from alsolike.privacy.erasures import ErasureReceiptStore, erasure_id

    if (erasure is None) == (user is None):
        raise InvalidInput("expected an erasure's ID or --user, one of them")
    where = deployment.resolve(stack=stack, state=state)
    if user is not None:
        erasure = erasure_id(pseudonyms(where), stored_ids(where).user(user))
    assert erasure is not None
    _print(ErasureReceiptStore(where.client("s3"), where.names.artefact_bucket).read(erasure), as_json=as_json)


@app.command("list")
def list_erasures(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List all erasures, the latest first.

    Example: alsolike users erasures list
    """
    from operations.erasure.held import receipts

    found = sorted(
        receipts(deployment.resolve(stack=stack, state=state)), key=lambda each: each.requested_at_ms, reverse=True
    )
    if as_json:
        console.print_json([receipt.document() for receipt in found])
    else:
        rows = [
            [each.erasure_id, each.status, _time(each.requested_at_ms), _time(each.completed_at_ms)] for each in found
        ]
        console.print_table(["erasure", "status", "requested", "completed"], rows)


def user_data(user_id: UserId, stack: Stack = None, state: State = None) -> None:
    """Print all stored data about a user as one JSON document.

    The content equals that of all pages of GET /users/{userId}/data, without limits of time and size.

    Example: alsolike users export 42 > user.json
    """
    from operations.erasure.held import user_data_of

    where = deployment.resolve(stack=stack, state=state)
    with console.step("objects searched") as step:
        data = user_data_of(where, on_object=step.advance)
        for piece in data.document(stored_ids(where).user(user_id)):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _print(receipt: ErasureReceipt, *, as_json: bool) -> None:
    if as_json:
        console.print_json(receipt.document())
        return
    console.print_line(
        f"erasure {receipt.erasure_id}: {receipt.status}, requested {_time(receipt.requested_at_ms)}"
        + (f", completed {_time(receipt.completed_at_ms)}" if receipt.completed_at_ms else "")
    )
    if receipt.purged:
        rows = [[each.store, each.what, each.objects, each.records] for each in receipt.purged]
        console.print_table(["store", "what", "objects", "records"], rows, title="purged")
    if receipt.expiring:
        copies = [[each.store, each.what, each.by] for each in receipt.expiring]
        console.print_table(["store", "what", "gone by"], copies, title="expiring")
    if receipt.models:
        models = [
            [each.version, "yes" if each.is_champion else "", each.trained_with_user, each.replaced_by or "no schedule"]
            for each in receipt.models
        ]
        console.print_table(["model", "champion", "with the user", "retrained by"], models, title="models")


def _time(moment_ms: int | None) -> str:
    if moment_ms is None:
        return ""
    return f"{dt.datetime.fromtimestamp(moment_ms / 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"
