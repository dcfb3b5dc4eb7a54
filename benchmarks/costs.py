"""`python -m benchmarks.costs`: monthly bills of four shops, computed from the `prod` templates (docs/cost.md)."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.page import write_section
from operations import embedded_cloud
from operations.cost import BilledResources, Load, estimate, estimate_personalize, read_assembly, savings

PAGE = Path("docs/cost.md")
ENVIRONMENT = "prod"
SIZES = ("small", "standard", "large")
SHOPS = {
    "small": Load(users=10_000, events_per_day=50_000, requests_per_day=20_000, items=2_000),
    "middling": Load(users=100_000, events_per_day=500_000, requests_per_day=200_000, items=20_000),
    "busy": Load(users=300_000, events_per_day=2_000_000, requests_per_day=1_000_000, items=20_000),
    "large": Load(users=2_000_000, events_per_day=10_000_000, requests_per_day=5_000_000, items=200_000),
}


def main() -> None:
    summaries = {size: _summary(size) for size in SIZES}
    for section, text in {"sizes": "\n".join(_sizes(summaries)), **tables(summaries["standard"])}.items():
        sys.stdout.write(text + "\n")
        write_section(PAGE, section, text)


def tables(summary: BilledResources) -> dict[str, str]:
    """Return the Markdown tables for one value of the setting `size`, by section of the page."""
    return {"bills": "\n".join(_bills(summary)), "savings": "\n".join(_savings(summary))}


def _summary(size: str) -> BilledResources:
    return read_assembly(embedded_cloud.synthesize(ENVIRONMENT, without_layers=True, settings={"size": size}))


def _sizes(summaries: Mapping[str, BilledResources]) -> Iterator[str]:
    yield from (f"| $ a month | without any load | {' | '.join(SHOPS)} |", f"|---|---|{'---|' * len(SHOPS)}")
    for size, summary in summaries.items():
        bills = [estimate(summary, load) for load in SHOPS.values()]
        yield _row(f"`{size}`", [bills[0].idle_dollars, *(bill.dollars for bill in bills)])


def _bills(summary: BilledResources) -> Iterator[str]:
    bills = {name: estimate(summary, load) for name, load in SHOPS.items()}
    yield from (f"| $ a month | {' | '.join(bills)} |", f"|---|{'---|' * len(bills)}")
    for field in ("users", "items", "events_per_day", "requests_per_day"):
        yield f"| {field.replace('_', ' ')} | {' | '.join(f'{getattr(load, field):,}' for load in SHOPS.values())} |"
    services = {service: None for bill in reversed(bills.values()) for service in bill.by_service()}
    for service in services:
        yield _row(service, [bill.by_service().get(service, 0.0) for bill in bills.values()])
    yield _row("fixed", [bill.fixed_dollars for bill in bills.values()])
    yield _row("usage", [bill.usage_dollars for bill in bills.values()])
    yield _row("**total**", [bill.dollars for bill in bills.values()])
    single = {name: dataclasses.replace(load, events_per_call=1) for name, load in SHOPS.items()}
    yield _row("total with one event a call", [estimate(summary, load).dollars for load in single.values()])
    yield _row("without any load", [bill.idle_dollars for bill in bills.values()])
    theirs = [estimate_personalize(load) for load in SHOPS.values()]
    yield _row("Amazon Personalize", [bill.dollars for bill in theirs])
    yield _row("of it the minimum charge of a campaign", [bill.fixed_dollars for bill in theirs])
    yield _row("Amazon Personalize without that", [bill.usage_dollars for bill in theirs])


def _savings(summary: BilledResources) -> Iterator[str]:
    yield from ("| setting | now | then | saves $ a month | but |", "|---|---|---|---|---|")
    for each in savings(summary, SHOPS["middling"]):
        yield f"| `{each.setting}` | {each.now} | {each.then} | {each.dollars:,.2f} | {each.but} |"


def _row(name: str, dollars: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{each:,.2f}' for each in dollars)} |"


if __name__ == "__main__":
    main()
