"""`alsolike restore`: a deployment's data as it was."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import AsJson, Stack, State, Yes
from operations.client import deployment
from operations.recovery.objects import Planned, carry_out, plan
from operations.recovery.source import RestoreSource
from operations.times import milliseconds, moment


def restore(
    to: Annotated[str, typer.Option(metavar="TIME", help="Time to restore, ISO 8601 with a zone.")],
    tables: Annotated[
        RestoreSource,
        typer.Option(help="Source of catalogue and users. Profiles come from the lake. none: restore no table."),
    ] = RestoreSource.LAKE,
    keep_newer: Annotated[
        bool, typer.Option("--keep-newer", help="Keep objects that are newer than this time.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the changes without making them.")] = False,
    yes: Yes = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Restore all data to an earlier time.

    This concerns interactions, catalogue, users, configuration, models and profiles. The command restores old versions
    of objects, which are kept for 30 days. A restore to a later time undoes it, because the current objects become old
    versions. Erased users stay erased. The snapshot is rebuilt. After an interruption, repeat the command with the same
    time.

    Example: alsolike restore --to 2026-03-01T12:00:00Z --dry-run
    """
    from operations.recovery.erasures import drop_erased
    from operations.recovery.snapshot import rebuild_snapshot
    from operations.recovery.tables import restore_tables

    then = moment(to, option="--to")
    now_ms = time.time_ns() // 1_000_000
    if milliseconds(then) > now_ms:
        raise InvalidInput(f"--to is {to!r}, expected a time that has passed")
    where = deployment.resolve(stack=stack, state=state)
    with console.step("old versions"):
        planned = plan(where, to=then, keep_newer=keep_newer)
    _show(planned, as_json=as_json)
    if dry_run:
        return
    if not yes:
        typer.confirm(f"Restore {where.environment} to {then:%Y-%m-%d %H:%M:%S} UTC?", abort=True, err=True)
    try:
        carry_out(where, planned)
    finally:  # also after an interruption: no erased users may remain in the restored data
        drop_erased(where)
    restore_tables(where, tables, to=then, keep_newer=keep_newer, now_ms=now_ms)
    if tables is not RestoreSource.NONE:
        rebuild_snapshot(where, now_ms=now_ms)


def _show(planned: list[Planned], *, as_json: bool) -> None:
    if as_json:
        console.print_json(
            [
                {"bucket": each.bucket, "prefix": each.prefix, "restored": each.restored, "removed": each.removed}
                for each in planned
            ]
        )
        return
    console.print_table(
        ["objects under", "older version", "removed", "MB copied"],
        [[each.prefix, each.restored, each.removed, each.size_bytes / 1e6] for each in planned],
    )
