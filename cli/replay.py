"""Command `alsolike replay`: replay of a day's logged requests, and comparison of the lists."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from cli import terminal
from cli.options import Context

if TYPE_CHECKING:
    from operations.day_replay.replaying import DayReplay, Difference

DIFFERENT = 3
"""Exit status if a list differs."""
NOTHING_REPLAYED = 4
"""Exit status if no response could be replayed."""

_SHOWN = 10


def replay(
    context: Context,
    day: Annotated[dt.datetime, Option(metavar="DATE", formats=["%Y-%m-%d"], help="Day of the log, in UTC.")],
    model: Annotated[
        str | None, Option(metavar="VERSION", help="Answer with this model instead of the logged ones.")
    ] = None,
    config: Annotated[
        Path | None,
        Option(metavar="FILE", help="Answer with this configuration instead of the logged ones; - is standard input."),
    ] = None,
    code: Annotated[
        Path | None, Option(metavar="FOLDER", help="Answer with the functions of this checkout of Alsolike.")
    ] = None,
    sample: Annotated[
        int | None, Option(min=1, metavar="N", help="Replay N responses, the same ones each time.", show_default="all")
    ] = None,
) -> None:
    """Replay a day's requests and compare the lists.

    The log has the requests and references to their inputs.

    Each request gets the model, configuration, catalogue, interactions and random numbers of its response. So all lists
    should be identical, unless --model, --config or --code changes something. The summary groups differences by cause.

    The exit status is 0 if all lists are identical, 3 if a list differs, 4 if no response could be replayed, and 1
    after an error.

    Example: alsolike replay --day 2026-11-25 --code .
    """
    from operations import extras
    from operations.configuration.file import read
    from operations.day_replay.replaying import replay_day

    extras.require("onnxruntime")
    draft = None if config is None else read(config, now_ms=time.time_ns() // 1_000_000).document
    found = replay_day(context.deployment, day.date(), model=model, draft=draft, code=code, sample=sample)
    if not context.printed(found.document()):
        _print(found)
    if not found.replayed:
        raise typer.Exit(NOTHING_REPLAYED)
    if found.differences:
        raise typer.Exit(DIFFERENT)


def _print(found: DayReplay) -> None:
    total = max(found.replayed, 1)
    terminal.print_values(
        {
            "responses": f"{found.responses:,} on {found.day}",
            "replayed": f"{found.replayed:,}, {found.random:,} of them with random items",
            "identical": f"{found.identical:,} ({found.identical / total:.2%})",
            "different": f"{len(found.differences):,}",
        }
    )
    counts = Counter(found.by_cause)
    counts |= Counter({f"not replayable: {reason}": count for reason, count in found.not_replayable.items()})
    if counts:
        terminal.print_table(["cause", "responses"], counts.most_common())
    if found.differences:
        shown = found.differences[:_SHOWN]
        terminal.print_table(
            ["response", "recommender", "cause", "places", "before", "after"],
            [_cells(each) for each in shown],
            title=f"{len(shown)} of {len(found.differences):,} differences; --json has all",
        )


def _cells(difference: Difference) -> list[object]:
    places = difference.places
    if difference.refusal is not None:
        changed: tuple[object, ...] = ("all", "", difference.refusal)
    else:
        changed = (
            ", ".join(map(str, places[:5])) + (" …" if len(places) > 5 else ""),
            _item(difference.logged, places[0]),
            _item(difference.replayed, places[0]),
        )
    return [difference.recommendation_id, difference.recommender, ", ".join(difference.causes), *changed]


def _item(items: tuple[str, ...], place: int) -> str:
    return items[place - 1] if place <= len(items) else "none"
