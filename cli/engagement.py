"""Command `alsolike engagement`: clicks, purchases and revenue from recommendations."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.options import Context

if TYPE_CHECKING:
    from alsolike.records.engagement import Engagement
    from operations.experiments.holdout_comparison import Increment, IncrementReport

DAYS = 7
EARLIEST_YEAR = 1970


class By(StrEnum):
    ALL = "all"
    RECOMMENDER = "recommender"
    MODEL = "model"
    ARM = "arm"


def engagement(
    context: Context,
    first: Annotated[
        dt.datetime | None,
        Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day.", show_default="6 days before --to"),
    ] = None,
    last: Annotated[
        dt.datetime | None, Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="Last day.", show_default="today")
    ] = None,
    by: Annotated[By, Option(help="Rows: one in total, or one per recommender, model version or arm.")] = By.ALL,
    refresh: Annotated[bool, Option("--refresh", help="Run the attribution first.")] = False,
    incremental: Annotated[
        bool,
        Option(
            "--incremental", help="Show the additional orders and revenue due to recommendations, from the holdout."
        ),
    ] = False,
) -> None:
    """Show clicks and purchases that followed recommendations.

    The table also shows revenue and the share of the catalogue that was recommended. --json adds carts. Purchased items
    and their promotions are in the lake's tables; see docs/attribution.md. --incremental compares all purchases of
    users with recommendations and of users who see popular items; see docs/incremental.md.

    Example: alsolike engagement --by recommender
    """
    from alsolike.lake.engagement import read_rejected, total
    from alsolike.records.engagement import Dimension
    from operations.experiments.lake_tables import read_engagement
    from operations.experiments.results import attribute

    until = last.date() if last else dt.datetime.now(dt.UTC).date()
    if until.year < EARLIEST_YEAR:
        raise InvalidInput(f"--to is {until}, expected a day from {EARLIEST_YEAR} on")
    since = first.date() if first else until - dt.timedelta(days=DAYS - 1)
    if since > until:
        raise InvalidInput(f"--from {since} is after --to {until}")
    deployment = context.deployment
    if refresh:
        attribute(deployment)
    if incremental:
        if first or last or by is not By.ALL:
            raise InvalidInput("--incremental covers the whole holdout, expected no --from, --to or --by")
        _print_incremental(context)
        return
    s3, bucket = deployment.client("s3"), deployment.names.lake_bucket
    first_day, last_day = since.isoformat(), until.isoformat()
    dimension = Dimension.MODEL_VERSION if by is By.MODEL else Dimension(by)
    rows = total(
        row for _, row in read_engagement(s3, bucket, first=first_day, last=last_day) if row.dimension == dimension
    )
    rejected = read_rejected(s3, bucket, first=first_day, last=last_day)
    if context.printed({"from": since, "to": until, "by": by, **_document(rows, rejected)}):
        return
    if not rows:
        noun = "responses in an experiment" if by is By.ARM else "responses"
        hint = "" if refresh else "; the attribution is hourly, --refresh runs it now"
        terminal.print_line(f"no {noun} from {since} to {until} were attributed{hint}")
    else:
        terminal.print_table(_COLUMNS, [_cells(row) for row in rows], title=f"{since} to {until}")
        if not any(row.purchases for row in rows):
            events = "purchase" if any(row.clicks for row in rows) else "click or purchase"
            terminal.print_line(f"no {events} names one of these responses by its recommendationId")
    if rejected:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(rejected.items()))
        terminal.print_line(f"not counted: {reasons}")


_COLUMNS = (
    "", "answers", "click-through", "purchases", "conversion", "revenue", "per thousand", "coverage", "novelty",
    "new items", "degraded",
)  # fmt: skip


def _cells(row: Engagement) -> list[object]:
    rates = row.rates()
    return [
        row.name,
        row.answers,
        terminal.percent(rates["click_through"]),
        row.purchases,
        terminal.percent(rates["conversion"]),
        f"{row.revenue:,.2f}",
        "" if rates["revenue_per_thousand"] is None else f"{rates['revenue_per_thousand']:,.2f}",
        terminal.percent(rates["coverage"]),
        rates["novelty"],
        terminal.percent(rates["new_item_share"]),
        terminal.percent(rates["degraded_share"]),
    ]


def _document(rows: list[Engagement], rejected: Counter[str]) -> dict[str, Any]:
    return {"rows": [{**dataclasses.asdict(row), "rates": row.rates()} for row in rows], "rejected": dict(rejected)}


def _print_incremental(context: Context) -> None:
    from alsolike.experiments.holdout import LAYER, holdout_of
    from alsolike.runtime.errors import NotFound
    from operations import times
    from operations.client.stored_ids import pseudonyms
    from operations.configuration.deployed_configuration import live_configuration
    from operations.cost.bill import HOURS
    from operations.experiments.holdout_comparison import PRECISIONS, increments_of

    deployment, now_ms = context.deployment, times.now_ms()
    holdout = holdout_of(live_configuration(deployment).experiments.values(), now_ms=now_ms)
    if holdout is None:
        raise NotFound(
            f"no experiment in the layer {LAYER!r} has started, so the effect of recommendations is not measured; "
            f"start one with `alsolike experiments start {LAYER} --layer {LAYER} --arm recommended=0.98 "
            "--arm popular=0.02:recommender=popular`"
        )
    report = increments_of(
        deployment.client("s3"),
        deployment.names.lake_bucket,
        holdout,
        shopper=pseudonyms(deployment).shopper,
        now_ms=now_ms,
    )
    bill, failure = _bill(context)
    document = dataclasses.asdict(report) | {"bill": bill}
    for row, increment in zip(document["increments"], report.increments, strict=True):
        row |= {"total": increment.total, "total_low": increment.total_low, "total_high": increment.total_high}
        row["days_until"] = {f"{p:g}": increment.days_until(p, days=report.days) for p in PRECISIONS}
        row["days_until_interval"] = increment.days_until_interval(days=report.days)
    if context.printed(document):
        return
    terminal.print_table(
        ("per user", "recommended", "popular", "difference", "95% interval", "added in all", "95% interval"),
        [
            [
                increment.metric,
                f"{increment.with_recommendations:,.3f}",
                f"{increment.held_out:,.3f}",
                _signed(increment.per_user, 3),
                _range(increment.low, increment.high, 3),
                _signed(increment.total, 0),
                _range(increment.total_low, increment.total_high, 0),
            ]
            for increment in report.increments
        ],
        title=f"{report.experiment}, {report.days:.1f} days: {report.users:,} users see recommendations, "
        f"{report.held_out_users:,} see popular items",
    )
    terminal.print_line(f"attributed revenue of the users with recommendations: {report.attributed_revenue:,.2f}")
    if bill is None:
        terminal.print_line(f"bill: unknown, {failure}")
    else:
        terminal.print_line(
            f"bill of these days: about ${bill['dollars'] * report.days * 24 / HOURS:,.2f}, estimated from the "
            f"load of the last day and the prices of {bill['prices_of']}"
        )
    terminal.print_lines(f"{increment.metric}: {_wait(increment, report)}" for increment in report.increments)


def _bill(context: Context) -> tuple[dict[str, Any] | None, str]:
    """Return the estimated monthly bill and an empty text, or None and the reason if the request fails."""
    from alsolike.runtime.errors import AlsolikeError
    from operations.client.api import Api

    try:
        answer = Api(context.deployment).administer("GET", "/operator/cost")
    except AlsolikeError as error:
        return None, str(error)
    return {"dollars": answer["dollars"], "prices_of": answer["pricesOf"]}, ""


def _wait(increment: Increment, report: IncrementReport) -> str:
    from alsolike.experiments.sequential_tests import MIN_EVENTS, MIN_USERS
    from operations.experiments.holdout_comparison import PRECISIONS

    waits = [(p, increment.days_until(p, days=report.days)) for p in PRECISIONS]
    if any(days is None for _, days in waits):
        needed = f"each arm needs {MIN_USERS} users, and {MIN_EVENTS} of them need an order"
        days = increment.days_until_interval(days=report.days)
        return f"too little data; {needed}" + ("" if days is None else f", after about {days:,.0f} days")
    shown = ", ".join(f"±{p:.0%} after about {days:,.0f} days" for p, days in waits if days is not None)
    return f"the interval is {shown}"


def _signed(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:+,.{digits}f}"


def _range(low: float | None, high: float | None, digits: int) -> str:
    return "" if low is None or high is None else f"{low:+,.{digits}f} to {high:+,.{digits}f}"
