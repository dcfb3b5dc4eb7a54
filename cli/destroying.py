"""`alsolike destroy`: delete a deployment on AWS with all that it stores."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.options import Yes
from operations.client.aws import session_clients


def destroy(
    stack: Annotated[str, typer.Option("--env", "-e", "--stack", metavar="NAME", help="Deployment on AWS to delete.")],
    yes: Yes = False,
) -> None:
    """Delete a deployment on AWS with all its data.

    Resources with the removal policy `retain` stay. Repeat the command after an interruption. The embedded cloud ends
    with `alsolike down`.

    Example: alsolike destroy --env dev
    """
    from operations import deletion

    clients = session_clients(environment=stack)
    plan = deletion.read_plan(clients, stack)
    for line in deletion.plan_lines(plan):
        console.print_line(line)
    if not yes and typer.prompt(f"This cannot be undone. Type {stack} to delete it", err=True) != stack:
        raise typer.Abort
    deletion.tear_down(clients, plan, on_step=console.say)
    console.say(f"{stack} is deleted")
