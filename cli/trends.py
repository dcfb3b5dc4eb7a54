"""Command `alsolike trends`: items whose share of events grows more than chance explains."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from cli.options import Context
from operations import times


def trends(
    context: Context,
    window: Annotated[str, Option(help="Time window: 30m, 1h, 3h or 1d.")] = "1h",
    k: Annotated[int, Option("--num-results", "-k", min=1, help="Number of items.")] = 10,
) -> None:
    """Show trending items.

    The score compares the growth of an item's share of events with chance. Items with a score of at least 1 trend.

    Example: alsolike trends --window 3h
    """
    from alsolike.trends.store import TrendsReader

    deployment = context.deployment
    now_ms = times.now_ms()
    found = TrendsReader(deployment.client("s3"), deployment.names.artefact_bucket).current(now_ms=now_ms)
    best = found.best(window, now_ms=now_ms, k=k)
    context.print_rows(
        {"window": window, "items": [{"item_id": item, "score": score} for item, score in best]},
        ["rank", "item", "score"],
        [[rank, item, f"{score:.1f}"] for rank, (item, score) in enumerate(best, 1)],
        empty=f"nothing trends in {window}",
    )
