"""Command `alsolike segments`: the users most likely to want an item, or the items of a condition or filter."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from cli import terminal
from cli.options import Context, FilterValues, filter_values, interruptible
from cli.recommend import stopped_text
from operations.progress import counted

_OUTPUT = Path("segment.csv")


def segments(
    context: Context,
    item: Annotated[str | None, Option("--item", metavar="ID", help="Item that the users may want.")] = None,
    where: Annotated[
        str | None,
        Option(metavar="CONDITION", help="Condition on items, such as 'Items.CATEGORY_L1 = \"shoes\"'."),
    ] = None,
    filter_name: Annotated[str | None, Option("--filter", metavar="NAME", help="Filter with the items.")] = None,
    values: FilterValues = None,
    size: Annotated[int, Option("--num-users", "-n", min=1, help="Maximum number of users.")] = 1_000,
    users: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="Users to select from, as for `alsolike recommend`.",
            show_default="all users of the model's dataset",
        ),
    ] = None,
    output: Annotated[Path, Option(metavar="FILE", help="CSV file.")] = _OUTPUT,
) -> None:
    """Write the users most likely to want some items to a CSV file.

    The items are one item, or those of a condition or filter. The columns are USER_ID and RANK, best user first. Users
    without interactions and erased users are in no segment.

    Example: alsolike segments --where 'Items.CATEGORY_L1 = "shoes"' -n 500
    """
    from operations.batch import segments as operations
    from operations.batch.run import failed_path
    from operations.batch.user_ids import FailedUsers, UserIds

    line: dict[str, Any] = {"itemId": item, "itemAttributes": where, "filter": filter_name}
    line = {name: value for name, value in line.items() if value is not None}
    if len(line) != 1:
        raise typer.BadParameter("expected one of --item, --where and --filter")
    if parameters := filter_values(values, has_filter=filter_name is not None):
        line["filterValues"] = parameters
    deployment = context.deployment
    ids = None if users is None else UserIds(users, lambda: deployment.client("s3"))
    run = None
    with interruptible(lambda: stopped_text(run)), FailedUsers(failed_path(users or "", output)) as failed:
        total = None if ids is None else ids.size_bytes
        with terminal.step("start the run", total=total) as step:
            run = operations.start(line, size=size, ids=ids, failed=failed, deployment=deployment, step=step)
        with terminal.step(f"run {run.name}", total=run.batches or None) as step:
            segment = operations.follow(run, failed, deployment=deployment, step=step)
    operations.write(segment, output)
    document = {**dataclasses.asdict(segment), "users": len(segment.users), "output": str(output)}
    context.print(document, f"{counted(len(segment.users), 'user')} in {output}, in {segment.seconds:.1f} s")
    if failed.count:
        terminal.say(f"alsolike: {counted(failed.count, 'user')} left out, listed with reasons in {failed.path}")
        raise typer.Exit(1)
