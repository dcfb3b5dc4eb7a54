"""Command `alsolike engagement`: clicks, purchases and revenue from recommendations."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import Context

if TYPE_CHECKING:
    from alsolike.records.engagement import Engagement

DAYS = 7
EARLIEST_YEAR = 1970


class By(StrEnum):
    """Grouping of the rows."""

    ALL = "all"
    RECOMMENDER = "recommender"
    MODEL = "model"
    ARM = "arm"


def engagement(
    context: Context,
    first: Annotated[
        dt.datetime | None,
        Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day.", show_default="a week ago"),
    ] = None,
    last: Annotated[
        dt.datetime | None, Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="Last day.", show_default="today")
    ] = None,
    by: Annotated[By, Option(help="Rows: one in total, or one per recommender, model version or arm.")] = By.ALL,
    refresh: Annotated[bool, Option("--refresh", help="Run the attribution first.")] = False,
) -> None:
    """Show clicks and purchases that followed recommendations.

    The table also shows revenue and the share of the catalogue that was recommended. --json adds carts. Purchased items
    and their promotions are in the lake's tables; see docs/attribution.md.

    Example: alsolike engagement --by recommender
    """
    from alsolike.lake.engagement import read_rejected, total
    from alsolike.records.engagement import Dimension
    from operations.experiments.outcomes import attribute, read_engagement

    until = last.date() if last else dt.datetime.now(dt.UTC).date()
    if until.year < EARLIEST_YEAR:
        raise InvalidInput(f"--to is {until}, expected a day from {EARLIEST_YEAR} on")
    since = first.date() if first else until - dt.timedelta(days=DAYS - 1)
    if since > until:
        raise InvalidInput(f"--from {since} is after --to {until}")
    deployment = context.deployment
    if refresh:
        attribute(deployment)
    lake = deployment.client("s3"), deployment.names.lake_bucket
    days = {"first": since.isoformat(), "last": until.isoformat()}
    dimension = Dimension.MODEL_VERSION if by is By.MODEL else Dimension(by)
    rows = total(row for _, row in read_engagement(*lake, **days) if row.dimension == dimension)
    rejected = read_rejected(*lake, **days)
    if context.printed({"from": since, "to": until, "by": by, **_document(rows, rejected)}):
        return
    if not rows:
        what = "responses in an experiment" if by is By.ARM else "responses"
        hint = "" if refresh else "; the attribution is hourly, --refresh runs it now"
        console.print_line(f"no {what} from {since} to {until} were attributed{hint}")
    else:
        console.print_table(_COLUMNS, [_cells(row) for row in rows], title=f"{since} to {until}")
        if not any(row.purchases for row in rows):
            events = "purchase" if any(row.clicks for row in rows) else "click or purchase"
            console.print_line(f"no {events} names one of these responses by its recommendationId")
    if rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(rejected.items()))
        console.print_line(f"not counted: {reasons}")


_COLUMNS = (
    "", "answers", "click-through", "purchases", "conversion", "revenue", "per thousand", "coverage", "novelty",
    "new items", "degraded",
)  # fmt: skip


def _cells(row: Engagement) -> list[object]:
    rates = row.rates()
    return [
        row.name,
        row.answers,
        console.percent(rates["click_through"]),
        row.purchases,
        console.percent(rates["conversion"]),
        f"{row.revenue:,.2f}",
        "" if rates["revenue_per_thousand"] is None else f"{rates['revenue_per_thousand']:,.2f}",
        console.percent(rates["coverage"]),
        rates["novelty"],
        console.percent(rates["new_item_share"]),
        console.percent(rates["degraded_share"]),
    ]


def _document(rows: list[Engagement], rejected: Counter[str]) -> dict[str, Any]:
    return {"rows": [{**dataclasses.asdict(row), "rates": row.rates()} for row in rows], "rejected": dict(rejected)}
