"""`alsolike restore`: a deployment's data as it was."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import Context, DryRun, Yes, confirm
from operations import times
from operations.recovery.objects import carry_out, plan
from operations.recovery.source import RestoreSource


def restore(
    context: Context,
    to: Annotated[str, Option(metavar="TIME", help="Time to restore, ISO 8601 with a zone.")],
    tables: Annotated[
        RestoreSource,
        Option(help="Source of catalogue and users. Profiles come from the lake. none: restore no table."),
    ] = RestoreSource.LAKE,
    keep_newer: Annotated[bool, Option("--keep-newer", help="Keep objects that are newer than this time.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
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

    then = times.moment(to, option="--to")
    now_ms = times.now_ms()
    if times.milliseconds(then) > now_ms:
        raise InvalidInput(f"--to is {to!r}, expected a time that has passed")
    where = context.deployment
    with console.step("old versions"):
        planned = plan(where, to=then, keep_newer=keep_newer)
    context.print_rows(
        [{name: getattr(each, name) for name in ("bucket", "prefix", "restored", "removed")} for each in planned],
        ["objects under", "older version", "removed", "MB copied"],
        [[each.prefix, each.restored, each.removed, each.size_bytes / 1e6] for each in planned],
    )
    if dry_run:
        return
    confirm(f"Restore {where.environment} to {then:%Y-%m-%d %H:%M:%S} UTC?", yes=yes)
    try:
        carry_out(where, planned)
    finally:  # also after an interruption: no erased users may remain in the restored data
        drop_erased(where)
    restore_tables(where, tables, to=then, keep_newer=keep_newer, now_ms=now_ms)
    if tables is not RestoreSource.NONE:
        rebuild_snapshot(where, now_ms=now_ms)
