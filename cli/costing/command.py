"""`alsolike cost`: a month's bill, the same load on Amazon Personalize, and what would save."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import AsJson, State
from operations import boot

if TYPE_CHECKING:
    from operations.cost import Bill, BilledResources, Saving
    from operations.cost_measurement import Measured

_USERS, _EVENTS, _REQUESTS, _ITEMS = 100_000, 500_000, 200_000, 20_000


def cost(
    users: Annotated[int, typer.Option(metavar="N", help="Number of users with a profile.")] = _USERS,
    events_per_day: Annotated[int, typer.Option(metavar="N", help="Events per day.")] = _EVENTS,
    requests_per_day: Annotated[
        int, typer.Option(metavar="N", help="Requests for recommendations per day.")
    ] = _REQUESTS,
    items: Annotated[int, typer.Option(metavar="N", help="Number of items in the catalogue.")] = _ITEMS,
    events_per_call: Annotated[int, typer.Option(metavar="N", help="Events per call, at most 10.")] = 1,
    item_changes_per_day: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Stored or changed items and users per day.", show_default="a twentieth of the items"
        ),
    ] = None,
    history_days: Annotated[int, typer.Option(metavar="N", help="Retention of events in days.")] = 365,
    history_length: Annotated[int, typer.Option(metavar="N", help="Value of limits.history_length.")] = 100,
    peak: Annotated[
        float, typer.Option(metavar="X", help="Load of the busiest second as a multiple of the mean.")
    ] = 3.0,
    scrape_interval_s: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Interval at which Prometheus reads GET /metrics.", show_default="no Prometheus"
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            "--env",
            "-e",
            "--environment",
            metavar="NAME",
            help="Synthesize this environment of cdk.json.",
            show_default="cdk.json's own",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Synthesize with this size: small, standard or large.", show_default="its own"
        ),
    ] = None,
    assembly: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Read this synthesized assembly instead."),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Measure durations, memory and log sizes on the embedded cloud."),
    ] = False,
    state: State = None,
    free_tier: Annotated[bool, typer.Option("--free-tier", help="Subtract AWS's permanent monthly free tier.")] = False,
    how: Annotated[bool, typer.Option("--how", help="Show the source of each quantity.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the monthly cost of a deployment under a load.

    Show the cost by resource, and possible savings. The command reads the synthesized templates and needs no
    deployment. Prices are those of us-east-1, with their date. --measure sends a load through the embedded cloud of
    --state, or through a new one.

    Example: alsolike cost --users 300000 --env prod
    """
    from cli.costing import printing
    from operations import cost_measurement
    from operations.cost import Load, Prices, estimate, estimate_personalize, read_assembly, savings
    from operations.cost.traffic import DURATIONS

    load = Load(
        users=users,
        events_per_day=events_per_day,
        requests_per_day=requests_per_day,
        items=items,
        events_per_call=events_per_call,
        item_changes_per_day=item_changes_per_day,
        history_days=history_days,
        history_length=history_length,
        peak=peak,
        scrape_interval_s=scrape_interval_s,
    )
    if size is not None and assembly is not None:
        raise InvalidInput("--size and --assembly were both given; an assembly has a size already")
    if stack is not None and assembly is not None:
        raise InvalidInput("--env and --assembly were both given; an assembly is of one environment already")
    if assembly is not None:
        summary = read_assembly(assembly)
    else:
        with tempfile.TemporaryDirectory(prefix="alsolike-cost-") as name:
            outdir = Path(name) / "cdk.out"
            boot.synthesize(stack, outdir, without_layers=True, settings={"size": size} if size else None)
            summary = read_assembly(outdir)
    measured = cost_measurement.measure(state=state, events_per_call=events_per_call) if measure else None
    durations = DURATIONS if measured is None else measured.durations(DURATIONS)
    prices = Prices(free_tier=free_tier)
    bill = estimate(summary, load, prices=prices, durations=durations)
    other = estimate_personalize(load, prices=prices)
    found = savings(summary, load, prices=prices, durations=durations)
    if as_json:
        console.print_json(_document(summary, bill, other, found, measured))
        return
    printing.print_bill(bill, other, found, how=how)
    if measured is not None:
        printing.print_measured(measured, summary)


def _document(
    summary: BilledResources, bill: Bill, other: Bill, found: list[Saving], measured: Measured | None
) -> dict[str, Any]:
    return {
        "environment": summary.environment,
        "region": summary.region,
        **bill.to_json(),
        "personalize": other.to_json(),
        "savings": [saving.to_json() for saving in found],
        "measured": measured.to_json() if measured else None,
    }
