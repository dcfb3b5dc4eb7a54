"""`alsolike metrics`: the custom metrics, who writes them, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import console
from cli.options import AsJson

if TYPE_CHECKING:
    from operations.metric_writers import Bounds, Written

MOST_VERSIONS = 10_000

_COLUMNS = ("metric", "function", "by", "sent", "series", "$ a month")


def metrics(
    versions: Annotated[
        int,
        typer.Option(min=1, max=MOST_VERSIONS, help="Model versions that serve on one day: the champion and a canary."),
    ] = 2,
    arms: Annotated[int, typer.Option(min=0, help="Concurrent arms of experiments.")] = 0,
    trainings: Annotated[int, typer.Option(min=0, help="Trainings per month.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List the custom metrics with their monthly cost.

    Example: alsolike metrics --arms 2
    """
    from operations.metric_writers import METRICS, Bounds

    bounds = Bounds(versions=versions, arms=arms, trainings=trainings)
    document = _document(METRICS, bounds)
    if as_json:
        console.print_json(document)
        return
    rows = [
        [each["metric"], each["service"], ", ".join(each["dimensions"][1:]), each["sent"], each["series"], _usd(each)]
        for each in document["metrics"]
    ]
    console.print_table(_COLUMNS, rows)
    console.print_line(f"namespace {document['namespace']}")
    console.print_line(
        f"{document['series']:,} series; ${document['usd_a_month']:.2f} a month,"
        f" at most ${document['most_usd_a_month']:.2f} where all of it happens every hour"
        f" (${document['usd_a_series']:.2f} a series and month, as of {document['price_as_of']})"
    )


def _document(written: tuple[Written, ...], bounds: Bounds) -> dict[str, Any]:
    from operations.metric_writers import NAMESPACE, PRICE_AS_OF, USD_A_MONTH

    rows = [
        {
            "metric": str(each.metric),
            "service": each.service,
            "dimensions": ["service", *map(str, each.by)],
            "sent": str(each.rhythm),
            "series": each.series(bounds),
            "usd_a_month": round(each.usd(bounds), 4),
            "most_usd_a_month": round(each.most_usd(bounds), 4),
        }
        for each in written
    ]
    return {
        "namespace": NAMESPACE,
        "metrics": rows,
        "series": sum(each.series(bounds) for each in written),
        "usd_a_month": round(sum(each.usd(bounds) for each in written), 2),
        "most_usd_a_month": round(sum(each.most_usd(bounds) for each in written), 2),
        "usd_a_series": USD_A_MONTH,
        "price_as_of": PRICE_AS_OF,
    }


def _usd(row: dict[str, Any]) -> str:
    """Return the cost, and of what seldom happens what it may come to."""
    if row["usd_a_month"] == row["most_usd_a_month"]:
        return f"{row['usd_a_month']:.3f}"
    return f"0 to {row['most_usd_a_month']:.3f}"
