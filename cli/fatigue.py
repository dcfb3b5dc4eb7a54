"""Command `alsolike fatigue`: the strength of fatigue that explains the clicks of the log."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Annotated

from typer import Option

from cli import terminal
from cli.options import Context

DAYS = 28
HALF_LIFE_HOURS = 48.0


def fatigue(
    context: Context,
    days: Annotated[int, Option(min=1, max=365, help="Number of days with responses, including today.")] = DAYS,
    half_life_hours: Annotated[
        float | None,
        Option(
            "--half-life-hours",
            min=1,
            max=720,
            help="Age at which a sighting counts half.",
            show_default="that of the configuration, otherwise 48",
        ),
    ] = None,
) -> None:
    """Estimate the strength of fatigue from the recommendation log.

    The command compares clicks on items that users had seen with clicks on other items of the same lists. If the 95%
    interval of the strength is above 0, the command prints the setting to apply. Otherwise, it advises to remove an
    existing setting. With too little evidence, it prints the missing evidence.

    Example: alsolike fatigue --days 14
    """
    from operations import times
    from operations.configuration.deployed_configuration import live_configuration
    from operations.fatigue import estimate_fatigue

    configured = live_configuration(context.deployment).fatigue
    half_life = half_life_hours or (configured.half_life_hours if configured else HALF_LIFE_HOURS)
    last = dt.datetime.fromtimestamp(times.now_ms() / 1000, dt.UTC).date()
    found = estimate_fatigue(
        context.deployment, first=last - dt.timedelta(days=days - 1), last=last, half_life_hours=half_life
    )
    if context.printed({**dataclasses.asdict(found), "half_life_hours": half_life, "has_signal": found.has_signal}):
        return
    terminal.print_line(found.sentence())
    if found.has_signal and found.strength is not None:
        setting = f"{{strength: {found.strength:.2f}, half_life_hours: {half_life:g}}}"
        terminal.print_line(f"apply: recommenders: {{for-you: {{fatigue: {setting}}}}}")
    elif found.strength is not None and configured:
        terminal.print_line("apply: remove recommenders.for-you.fatigue, which only moves good items down")
