"""Command `alsolike restore`: restore of a deployment's data to an earlier time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.options import Context, DryRun, Yes, confirm
from operations import times
from operations.progress import counted
from operations.recovery.object_restore import Losses, carry_out, losses, plan
from operations.recovery.source import EVERYTHING, Part, RestoreSource


def restore(
    context: Context,
    to: Annotated[str, Option(metavar="TIME", help="Time to restore, ISO 8601 with a zone.")],
    tables: Annotated[
        RestoreSource,
        Option(help="Source of catalogue and users. Profiles come from the lake. none: restore no table."),
    ] = RestoreSource.LAKE,
    only: Annotated[
        list[Part], Option(help="Part to restore, may be repeated. Default: all parts.", show_default=False)
    ] = [],  # noqa: B006  typer copies it
    keep_newer: Annotated[bool, Option("--keep-newer", help="Keep objects that are newer than this time.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Restore all data to an earlier time.

    The data are interactions, catalogue, users, configuration, models and profiles. The command restores old versions
    of objects, which are kept for 30 days. To undo a restore, restore the time just before it: the replaced objects are
    kept as old versions. Erased users stay erased. The snapshot is rebuilt. After an interruption, repeat the command
    with the same time.

    Example: alsolike restore --to 2026-03-01T12:00:00Z --dry-run
    """
    from operations.recovery.erased_rows import drop_erased
    from operations.recovery.row_rebuild import rebuild_snapshot
    from operations.recovery.table_restore import restore_tables

    then = times.moment(to, option="--to")
    now_ms = times.now_ms()
    if times.milliseconds(then) > now_ms:
        raise InvalidInput(f"--to is {to!r}, expected a time that has passed")
    deployment = context.deployment
    parts = frozenset(only) or EVERYTHING
    with terminal.step("old versions"):
        planned = plan(deployment, to=then, keep_newer=keep_newer, parts=parts)
        lost = losses(deployment, planned, to=then)
    context.print_rows(
        [{name: getattr(each, name) for name in ("bucket", "prefix", "restored", "removed")} for each in planned],
        ["objects under", "older version", "removed", "MB copied"],
        [[each.prefix, each.restored, each.removed, each.size_bytes / 1e6] for each in planned],
    )
    for line in _loss_lines(lost):
        terminal.say(line)
    if dry_run:
        return
    confirm(f"Restore {deployment.environment} to {then:%Y-%m-%d %H:%M:%S} UTC?", yes=yes)
    try:
        carry_out(deployment, planned)
    finally:  # Even an interrupted restore must not leave erased users in the data.
        drop_erased(deployment)
    restore_tables(deployment, tables, to=then, keep_newer=keep_newer, now_ms=now_ms, parts=parts)
    if tables is not RestoreSource.NONE and Part.CATALOGUE in parts:
        rebuild_snapshot(deployment, now_ms=now_ms)


def _loss_lines(lost: Losses) -> Iterator[str]:
    if lost.live_events:
        yield f"{counted(lost.live_events, 'live event')} after this time will be removed"
    if lost.models:
        yield f"models after this time will be removed: {', '.join(lost.models)}"
    if lost.configurations:
        yield f"configurations after this time will be removed: {', '.join(map(str, lost.configurations))}"
