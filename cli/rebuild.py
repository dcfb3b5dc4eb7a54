"""`alsolike rebuild`."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.catalogue.change_log import ChangeKind
from cli.group import CommandGroup
from cli.options import Connection, Output
from operations import times

app = CommandGroup(help="Rebuild profiles, catalogue or snapshot from the lake.")


@app.command("profiles")
def profiles(connection: Connection, output: Output) -> None:
    """Add interactions from the lake that the live profiles lack.

    The command restores a lost profile table and does not change an intact one. Events that arrive in the meantime are
    kept. You may interrupt and repeat it.

    Example: alsolike rebuild profiles
    """
    from operations.recovery.writing import rebuild_profiles

    _print({"profiles": rebuild_profiles(connection.deployment, now_ms=times.now_ms())}, output)


@app.command("catalogue")
def catalogue(connection: Connection, output: Output) -> None:
    """Restore items from the change log that the catalogue lacks.

    Deleted items stay deleted. The change log lacks items that are older than itself.

    Example: alsolike rebuild catalogue
    """
    _rebuild_rows(ChangeKind.ITEM, connection, output)


@app.command("users")
def users(connection: Connection, output: Output) -> None:
    """Restore users from the change log that the user table lacks.

    Example: alsolike rebuild users
    """
    _rebuild_rows(ChangeKind.USER, connection, output)


@app.command("snapshot")
def snapshot(connection: Connection, output: Output) -> None:
    """Rewrite the catalogue snapshot for serving from the change log.

    Example: alsolike rebuild snapshot
    """
    from operations.recovery.snapshot import rebuild_snapshot

    published = rebuild_snapshot(connection.deployment, now_ms=times.now_ms())
    _print({"items": published.changes, "size_bytes": published.size_bytes}, output)


@app.command("dataset")
def dataset(connection: Connection, output: Output) -> None:
    """Build a training dataset and print its location.

    Example: alsolike rebuild dataset
    """
    from operations.recovery.dataset import rebuild_dataset

    _print(rebuild_dataset(connection.deployment), output)


@app.command("all")
def everything(connection: Connection, output: Output) -> None:
    """Rebuild catalogue, users, snapshot and profiles, in this order.

    Example: alsolike rebuild all
    """
    from operations.recovery.rows import rebuild_rows
    from operations.recovery.snapshot import rebuild_snapshot
    from operations.recovery.writing import rebuild_profiles

    where = connection.deployment
    items = rebuild_rows(where, ChangeKind.ITEM, now_ms=times.now_ms()).known
    known = rebuild_rows(where, ChangeKind.USER, now_ms=times.now_ms()).known
    published = rebuild_snapshot(where, now_ms=times.now_ms()).changes
    restored = rebuild_profiles(where, now_ms=times.now_ms())
    _print({"items": items, "users": known, "snapshot_items": published, "profiles": restored}, output)


def _rebuild_rows(kind: ChangeKind, connection: Connection, output: Output) -> None:
    from operations.recovery.rows import rebuild_rows

    _print(dataclasses.asdict(rebuild_rows(connection.deployment, kind, now_ms=times.now_ms())), output)


def _print(document: dict[str, Any], output: Output) -> None:
    output.print_rows(document, list(document), [list(document.values())])
