"""A bill as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import console
from operations.cost import remarks

if TYPE_CHECKING:
    from operations.cost import Bill, BilledResources, Line, Saving
    from operations.cost_measurement import Measured

LEAST_DOLLARS = 0.005
"""Lines of less are one line together."""

_COLUMNS = ("service", "what", "quantity", "unit", "$ each", "$ a month")
_NUMBERS = ("quantity", "$ each", "$ a month", "saves $ a month")


def print_bill(bill: Bill, other: Bill, found: Sequence[Saving], *, how: bool) -> None:
    """Print fixed costs, usage, the sums, what Personalize would cost, and what would save."""
    load = bill.load
    console.print_line(
        f"{bill.of}: {load.users:,} users, {load.items:,} items, {load.events_per_day:,} events and "
        f"{load.requests_per_day:,} requests a day"
    )
    console.print_line(
        f"prices of {bill.prices_date}, {bill.prices_region}, in dollars, a month of 730 hours, "
        f"{'less the free tier' if bill.free_tier else 'free tier not taken off'}"
    )
    columns = [*_COLUMNS, *(["because"] if how else [])]
    for fixed, title, dollars in (
        (True, "Fixed: due without any load", bill.fixed_dollars),
        (False, "Usage", bill.usage_dollars),
    ):
        rows = _rows([line for line in bill.lines if line.fixed is fixed], how=how)
        rows.append(["", "together", "", "", "", _money(dollars), *([""] if how else [])])
        console.print_table(columns, rows, title=title, right=_NUMBERS)
    console.print_table(
        ["", "Alsolike, $", "Amazon Personalize, $"],
        [
            ["fixed", _money(bill.fixed_dollars), _money(other.fixed_dollars)],
            ["usage", _money(bill.usage_dollars), _money(other.usage_dollars)],
            ["total a month", _money(bill.dollars), _money(other.dollars)],
            ["without any load", _money(bill.idle_dollars), _money(other.idle_dollars)],
        ],
        title="Together, and the same load on Amazon Personalize",
        right=("Alsolike, $", "Amazon Personalize, $"),
    )
    for remark in remarks(bill, other):
        console.print_line(f"- {remark}")
    if found:
        console.print_table(
            ["setting", "now", "then", "saves $ a month", "but"],
            [[each.setting, each.now, each.then, _money(each.dollars), each.but] for each in found],
            title="Possible savings, each by itself",
            right=("now", "then", *_NUMBERS),
        )


def print_measured(measured: Measured, summary: BilledResources) -> None:
    """Print what the embedded cloud's functions took."""
    console.print_table(
        ["function", "calls", "mean ms", "most MB used", "MB configured", "log bytes a call"],
        [
            [name, each.calls, round(each.mean_ms, 1), each.max_memory_mb, _configured(summary, name), each.log_bytes]
            for name, each in sorted(measured.functions.items())
        ],
        title="Measured on the embedded cloud",
    )
    for remark in measured.remarks:
        console.print_line(f"- {remark}")


def _configured(summary: BilledResources, name: str) -> int | None:
    function = summary.functions.get(name)
    return function.memory_mb if function else None


def _rows(lines: Sequence[Line], *, how: bool) -> list[list[object]]:
    """Return the lines by service, the dearest first, with its sum where it has several."""
    rows: list[list[object]] = []
    services: dict[str, list[Line]] = {}
    for line in lines:
        services.setdefault(line.service, []).append(line)
    for service, its in sorted(services.items(), key=lambda each: -_sum(each[1])):
        shown = [line for line in its if line.dollars >= LEAST_DOLLARS]
        if len(its) > 1:
            rows.append([service, "", "", "", "", _money(_sum(its)), *([""] if how else [])])
        for line in shown:
            because = [line.how] if how else []
            numbers = [_quantity(line.quantity), line.unit, _each(line.unit_dollars), _money(line.dollars)]
            rows.append(["" if len(its) > 1 else service, line.what, *numbers, *because])
        if rest := len(its) - len(shown):
            name = "" if len(its) > 1 else service
            less = _money(_sum(its) - _sum(shown))
            rows.append([name, f"{rest} under half a cent", "", "", "", less, *([""] if how else [])])
    return rows


def _sum(lines: Sequence[Line]) -> float:
    return sum(line.dollars for line in lines)


def _quantity(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.4g}"


def _each(dollars: float) -> str:
    """Return a price without an exponent: $0.0000133334 and not 1.3e-05."""
    return f"{dollars:.12f}".rstrip("0").rstrip(".")[:14]


def _money(dollars: float) -> str:
    return f"{dollars:,.2f}"
