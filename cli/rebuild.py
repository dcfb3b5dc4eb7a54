"""`alsolike rebuild`."""

from __future__ import annotations

import dataclasses
from typing import Any

from alsolike.catalogue.change_log import ChangeKind
from cli.group import CommandGroup
from cli.options import Context, Output
from operations import times

app = CommandGroup(help="Rebuild live data, snapshot or dataset from the lake.")


@app.command("profiles")
def profiles(context: Context) -> None:
    """Add interactions from the lake that the live profiles lack.

    The command restores a lost profile table and does not change an intact one. Events that arrive in the meantime are
    kept. You may interrupt and repeat the command.

    Example: alsolike rebuild profiles
    """
    from operations.recovery.profile_rebuild import rebuild_profiles

    _print({"profiles": rebuild_profiles(context.deployment, now_ms=times.now_ms())}, context)


@app.command("catalogue")
def catalogue(context: Context) -> None:
    """Restore missing items in the catalogue from the change log.

    Deleted items stay deleted. The change log lacks items that are older than the log.

    Example: alsolike rebuild catalogue
    """
    _rebuild_rows(ChangeKind.ITEM, context)


@app.command("users")
def users(context: Context) -> None:
    """Restore missing users in the user table from the change log.

    Example: alsolike rebuild users
    """
    _rebuild_rows(ChangeKind.USER, context)


@app.command("snapshot")
def snapshot(context: Context) -> None:
    """Rebuild the snapshot of the catalogue from the change log.

    Example: alsolike rebuild snapshot
    """
    from operations.recovery.row_rebuild import rebuild_snapshot

    published = rebuild_snapshot(context.deployment, now_ms=times.now_ms())
    _print({"items": published.changes, "size_bytes": published.size_bytes}, context)


@app.command("dataset")
def dataset(context: Context) -> None:
    """Build a training dataset and print its location.

    Example: alsolike rebuild dataset
    """
    from operations.recovery.dataset_build import rebuild_dataset

    _print(rebuild_dataset(context.deployment), context)


@app.command("all")
def everything(context: Context) -> None:
    """Rebuild catalogue, users, snapshot and profiles, in this order.

    Example: alsolike rebuild all
    """
    from operations.recovery.profile_rebuild import rebuild_profiles
    from operations.recovery.row_rebuild import rebuild_rows, rebuild_snapshot

    deployment = context.deployment
    items = rebuild_rows(deployment, ChangeKind.ITEM, now_ms=times.now_ms()).known
    known = rebuild_rows(deployment, ChangeKind.USER, now_ms=times.now_ms()).known
    published = rebuild_snapshot(deployment, now_ms=times.now_ms()).changes
    restored = rebuild_profiles(deployment, now_ms=times.now_ms())
    _print({"items": items, "users": known, "snapshot_items": published, "profiles": restored}, context)


def _rebuild_rows(kind: ChangeKind, context: Context) -> None:
    from operations.recovery.row_rebuild import rebuild_rows

    _print(dataclasses.asdict(rebuild_rows(context.deployment, kind, now_ms=times.now_ms())), context)


def _print(document: dict[str, Any], output: Output) -> None:
    output.print_rows(document, list(document), [list(document.values())])
