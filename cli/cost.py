"""Command `alsolike cost`: monthly bill, the same load on Amazon Personalize, and possible savings."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.options import Environment, Output, State
from operations import embedded_cloud, name_value_options, prices
from operations.cost import Load, estimate, estimate_personalize, read_assembly, remarks, savings
from operations.progress import counted

if TYPE_CHECKING:
    from operations.cost import Bill, BilledResources, Line, Saving
    from operations.cost_measurement import Measured

_MIN_DOLLARS = 0.005
"""Minimum dollars of a printed line. Smaller lines of a bill are combined by service.

A comparison omits services with a smaller difference.
"""

_COLUMNS = ("service", "what", "quantity", "unit", "$ each", "$ a month", "because")
_NUMBERS = ("quantity", "$ each", "$ a month", "saves $ a month")
_LOAD = Load(users=100_000, events_per_day=500_000, requests_per_day=200_000, items=20_000)


def cost(
    output: Output,
    load: Load = _LOAD,
    stack: Environment = None,
    size: Annotated[str | None, Option(metavar="NAME", help="Size to synthesize: small, standard or large.")] = None,
    assembly: Annotated[Path | None, Option(metavar="DIR", help="Synthesized assembly to read.")] = None,
    measure: Annotated[
        bool, Option("--measure", help="Measure durations, memory and log sizes on the embedded cloud.")
    ] = False,
    state: State = None,
    free_tier: Annotated[bool, Option("--free-tier", help="Subtract AWS's permanent monthly free tier.")] = False,
    how: Annotated[bool, Option("--how", help="Show the source of each quantity.")] = False,
    compare: Annotated[
        list[str] | None,
        Option(metavar="SETTING=VALUE", help="Compare with the bill of other settings of cdk.json; repeatable."),
    ] = None,
    month: Annotated[
        list[str] | None,
        Option(metavar="YYYY-MM", help="Use the deployment's load of this month; repeat it to compare two months."),
    ] = None,
) -> None:
    """Compute the monthly cost of a deployment under a load.

    Show the cost by resource, and possible savings. The command reads the synthesized templates and needs no
    deployment. It uses the prices of us-east-1, and prints their date. --month uses the deployment's load.
    --measure sends a load through the embedded cloud of --state, or through a new one.

    Examples:
        alsolike cost --users 300000 --env prod --compare size=standard
        alsolike cost --env prod --month 2026-10 --month 2026-11
    """
    from operations import cost_measurement

    others, months = _settings(compare or ()), month or []
    for option, given in (("--size", size), ("--env", stack), ("--compare", others)):
        if assembly is not None and given:
            raise InvalidInput(f"{option} and --assembly were both given; an assembly has its settings already")
    if len(months) > 2:
        raise InvalidInput(f"--month was given {len(months)} times, expected once or twice")
    if others and len(months) == 2:
        raise InvalidInput("--compare and two months were given; expected either two months or other settings")
    loads = _loads(months, load, stack=stack, state=state)
    settings: dict[str, object] = {"size": size} if size else {}

    def read(changed: dict[str, object]) -> BilledResources:
        return read_assembly(
            assembly or embedded_cloud.synthesize(stack, without_layers=True, settings=settings | changed)
        )

    summary, personalize = read({}), estimate_personalize(loads[0], free_tier=free_tier)
    measured = cost_measurement.measure(state=state, events_per_call=loads[0].events_per_call) if measure else None
    if measured is not None:
        summary = dataclasses.replace(summary, durations=measured.durations)
    bill = estimate(summary, loads[0], free_tier=free_tier)
    found = savings(summary, loads[0], free_tier=free_tier)
    document = {
        "environment": summary.environment,
        "region": summary.region,
        **bill.to_json(),
        "personalize": personalize.to_json(),
        "savings": [saving.to_json() for saving in found],
        "measured": dataclasses.asdict(measured) if measured else None,
        **({"month": months[0]} if months else {}),
    }
    changed = None
    if others or len(months) == 2:
        deployed = dataclasses.replace(read(others), durations=summary.durations) if others else summary
        changed = estimate(deployed, loads[-1], free_tier=free_tier)
        subject: dict[str, object] = {"settings": others} if others else {"month": months[1]}
        document["compared"] = {**subject, **changed.to_json()}
    if output.printed(document):
        return
    _print_bill(bill, personalize, found, how=how)
    if changed is not None:
        title = f"With {', '.join(compare or ())}" if others else "Two months, with today's settings and prices"
        _print_comparison(bill, changed, title=title, names=["now", "then"] if others else months)
    if measured is not None:
        _print_measured(measured, summary)


def _print_bill(bill: Bill, personalize: Bill, found: Sequence[Saving], *, how: bool) -> None:
    load = bill.load
    terminal.print_line(
        f"{bill.of}: {load.users:,} users, {load.items:,} items, {load.events_per_day:,} events and "
        f"{load.requests_per_day:,} requests a day"
    )
    terminal.print_line(
        f"prices of {prices.DATE}, {prices.REGION}, in dollars, a month of 730 hours, "
        f"{'less the free tier' if bill.free_tier else 'free tier not taken off'}"
    )
    terminal.print_line(
        f"assumed: {counted(load.events_per_call, 'event')} a call, "
        f"{load.signed_in_percent}% of events with a user, a peak of {load.peak:g} times the mean "
        "(--events-per-call, --signed-in-percent, --peak)"
    )
    columns = _COLUMNS if how else _COLUMNS[:-1]
    for fixed, title in ((True, "Fixed: due without any load"), (False, "Usage")):
        rows = _rows([line for line in bill.lines if line.fixed is fixed])
        terminal.print_table(columns, [row[: len(columns)] for row in rows], title=title, right=_NUMBERS)
    totals = [
        ["fixed", _money(bill.fixed_dollars), _money(personalize.fixed_dollars)],
        ["usage", _money(bill.usage_dollars), _money(personalize.usage_dollars)],
        ["total a month", _money(bill.dollars), _money(personalize.dollars)],
        ["without any load", _money(bill.idle_dollars), _money(personalize.idle_dollars)],
    ]
    names = ("", "Alsolike, $", "Amazon Personalize, $")
    terminal.print_table(names, totals, title="Together, and the same load on Amazon Personalize", right=names[1:])
    terminal.print_lines(f"- {remark}" for remark in remarks(bill, personalize))
    if found:
        terminal.print_table(
            ["setting", "now", "then", "saves $ a month", "but"],
            [[each.setting, each.now, each.then, _money(each.dollars), each.but] for each in found],
            title="Possible savings, each by itself",
            right=("now", "then", *_NUMBERS),
        )


def _settings(given: Sequence[str]) -> dict[str, object]:
    settings: dict[str, object] = {}
    for name, value in name_value_options.pairs(given, "--compare", "SETTING"):
        settings[name] = value
        with contextlib.suppress(json.JSONDecodeError):
            settings[name] = json.loads(value)
    return settings


def _loads(months: Sequence[str], load: Load, *, stack: str | None, state: Path | None) -> list[Load]:
    if not months:
        return [load]
    from operations.client import deployment as deployments
    from operations.monthly_load import monthly_load

    deployment, now = deployments.resolve(stack=stack, state=state), dt.datetime.now(dt.UTC)
    return [monthly_load(deployment, month, other=load, now=now) for month in months]


def _print_comparison(bill: Bill, changed: Bill, *, title: str, names: Sequence[str]) -> None:
    now, then = bill.by_service(), changed.by_service()
    more = {service: then.get(service, 0.0) - now.get(service, 0.0) for service in now | then}
    services = sorted((name for name in more if abs(more[name]) >= _MIN_DOLLARS), key=lambda name: -more[name])
    rows = [[name, *map(_money, (now.get(name, 0.0), then.get(name, 0.0), more[name]))] for name in services]
    rows.append(["total a month", *map(_money, (bill.dollars, changed.dollars, changed.dollars - bill.dollars))])
    columns = ["service", *(f"{name}, $" for name in names), "difference, $"]
    terminal.print_table(columns, rows, title=title, right=columns[1:])
    if changed.load != bill.load:
        for name, load in zip(names, (bill.load, changed.load), strict=True):
            terminal.print_line(
                f"{name}: {load.events_per_day:,} events and {load.requests_per_day:,} requests a day on average"
            )


def _print_measured(measured: Measured, summary: BilledResources) -> None:
    configured = {name: function.memory_mb for name, function in summary.functions.items()}
    terminal.print_table(
        ["function", "calls", "mean ms", "most MB used", "MB configured", "log bytes a call"],
        [
            [name, each.calls, round(each.mean_ms, 1), each.max_memory_mb, configured.get(name), each.log_bytes]
            for name, each in sorted(measured.functions.items())
        ],
        title="Measured on the embedded cloud",
    )
    terminal.print_lines(f"- {remark}" for remark in measured.remarks)


def _rows(lines: Sequence[Line]) -> list[list[object]]:
    """Return the lines by service, the most expensive service first, and their total."""
    dollars: dict[str, float] = {}
    for line in lines:
        dollars[line.service] = dollars.get(line.service, 0.0) + line.dollars
    rows: list[list[object]] = []
    for service in sorted(dollars, key=lambda name: -dollars[name]):
        its, name = [line for line in lines if line.service == service], service
        if len(its) > 1:
            rows.append([service, "", "", "", "", _money(dollars[service]), ""])
            name = ""
        for line in its:
            if line.dollars >= _MIN_DOLLARS:
                quantity = f"{line.quantity:,.0f}" if line.quantity >= 100 else f"{line.quantity:,.4g}"
                each = f"{line.unit_dollars:.12f}".rstrip("0").rstrip(".")[:14]  # without an exponent
                rows.append([name, line.what, quantity, line.unit, each, _money(line.dollars), line.how])
        if small := [line.dollars for line in its if line.dollars < _MIN_DOLLARS]:
            rows.append([name, f"{len(small)} under half a cent", "", "", "", _money(sum(small)), ""])
    return [*rows, ["", "together", "", "", "", _money(sum(dollars.values())), ""]]


def _money(dollars: float) -> str:
    return f"{dollars:,.2f}"
