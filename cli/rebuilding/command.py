"""`alsolike rebuild`: what the lake can give back, given back."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import typer

from alsolike.catalogue.change_log import ChangeKind
from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.recovery.dataset import rebuild_dataset

app = typer.Typer(
    no_args_is_help=True,
    help="Rebuild profiles, catalogue or snapshot from the lake.",
)


@app.command("profiles")
def profiles(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Add interactions from the lake that the live profiles lack.

    The command restores a lost profile table and does not change an intact one. Events that arrive in the meantime are
    kept. You may interrupt and repeat it.

    Example: alsolike rebuild profiles
    """
    from operations.recovery.writing import rebuild_profiles

    where = deployment.resolve(stack=stack, state=state)
    _show({"profiles": rebuild_profiles(where, now_ms=_now_ms())}, as_json=as_json)


@app.command("catalogue")
def catalogue(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Restore items from the change log that the catalogue lacks.

    Deleted items stay deleted. The change log lacks items that are older than itself.

    Example: alsolike rebuild catalogue
    """
    _rows("item", stack=stack, state=state, as_json=as_json)


@app.command("users")
def users(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Restore users from the change log that the user table lacks.

    Example: alsolike rebuild users
    """
    _rows("user", stack=stack, state=state, as_json=as_json)


@app.command("snapshot")
def snapshot(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Rewrite the catalogue snapshot for serving from the change log.

    Example: alsolike rebuild snapshot
    """
    from operations.recovery.snapshot import rebuild_snapshot

    published = rebuild_snapshot(deployment.resolve(stack=stack, state=state), now_ms=_now_ms())
    _show({"items": published.changes, "size_bytes": published.size_bytes}, as_json=as_json)


@app.command("dataset")
def dataset(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Build a training dataset and print its location.

    Example: alsolike rebuild dataset
    """
    _show(rebuild_dataset(deployment.resolve(stack=stack, state=state)), as_json=as_json)


@app.command("all")
def everything(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Rebuild catalogue, users, snapshot and profiles, in this order.

    Example: alsolike rebuild all
    """
    from operations.recovery.rows import rebuild_rows
    from operations.recovery.snapshot import rebuild_snapshot
    from operations.recovery.writing import rebuild_profiles

    where = deployment.resolve(stack=stack, state=state)
    items = rebuild_rows(where, ChangeKind.ITEM, now_ms=_now_ms())
    known = rebuild_rows(where, ChangeKind.USER, now_ms=_now_ms())
    published = rebuild_snapshot(where, now_ms=_now_ms())
    document = {"items": items.known, "users": known.known, "snapshot_items": published.changes}
    _show({**document, "profiles": rebuild_profiles(where, now_ms=_now_ms())}, as_json=as_json)


def _rows(name: str, *, stack: Stack, state: State, as_json: bool) -> None:
    from operations.recovery.rows import rebuild_rows

    rebuilt = rebuild_rows(deployment.resolve(stack=stack, state=state), ChangeKind(name), now_ms=_now_ms())
    _show(dataclasses.asdict(rebuilt), as_json=as_json)


def _show(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        console.print_json(document)
    else:
        console.print_table(list(document), [list(document.values())])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
