"""Command `alsolike logs`: log of a function."""

from __future__ import annotations

import collections
import dataclasses
from typing import Annotated

from typer import Argument, Option

from cli import terminal
from cli.options import Context
from operations import times


def logs(
    context: Context,
    function: Annotated[str, Argument(show_default=False, help="Name of the function, such as recommend.")],
    errors: Annotated[bool, Option("--errors", help="Show only errors.")] = False,
    correlation_id: Annotated[
        str | None, Option(metavar="ID", help="Show only lines of the request with this x-correlation-id.")
    ] = None,
    hours: Annotated[float, Option(min=0.01, max=2_160, help="Age of the oldest line in hours.")] = 1.0,
    limit: Annotated[int, Option(min=1, max=10_000, help="Maximum number of latest lines.")] = 100,
) -> None:
    """Show the log of a function.

    The output omits metrics and the recommendation log.

    Example: alsolike logs recommend --errors --hours 24
    """
    from operations.function_logs import read_logs

    since_ms = times.now_ms() - round(hours * 3_600_000)
    lines = read_logs(context.deployment, function, since_ms=since_ms, errors=errors, correlation_id=correlation_id)
    latest = list(collections.deque(lines, maxlen=limit))
    if context.printed([dataclasses.asdict(line) for line in latest]):
        return
    for line in latest:
        details = "".join(f" {name}={value}" for name, value in line.details.items())
        terminal.print_line(f"{times.text(line.time_ms)} {line.level or 'TEXT'} {line.message}{details}")
    if not latest:
        terminal.say(f"alsolike: no {'errors' if errors else 'lines'} of {function} in the last {hours:g} h")
