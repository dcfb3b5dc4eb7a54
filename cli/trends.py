"""`alsolike trends`: what is wanted more than usual."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment


def trends(
    window: Annotated[str, typer.Option(help="Time window: 30m, 1h, 3h or 1d.")] = "1h",
    k: Annotated[int, typer.Option("--num-results", "-k", min=1, help="Number of items.")] = 10,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show trending items.

    The strength is the deviation from the usual share of events, in standard deviations.

    Example: alsolike trends --window 3h
    """
    from alsolike.trends.reader import TrendsReader

    where = deployment.resolve(stack=stack, state=state)
    now_ms = time.time_ns() // 1_000_000
    found = TrendsReader(where.client("s3"), where.names.artefact_bucket).current(now_ms=now_ms)
    best = found.best(window, now_ms=now_ms, k=k)
    if as_json:
        items = [{"item_id": item, "score": score} for item, score in best]
        console.print_json({"window": window, "items": items})
    elif not best:
        console.print_line(f"nothing trends in {window}")
    else:
        console.print_table(
            ["rank", "item", "score"], [[rank, item, f"{score:.1f}"] for rank, (item, score) in enumerate(best, 1)]
        )
