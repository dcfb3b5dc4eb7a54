"""A monthly bill, its load, and the meter that adds its lines."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Annotated, Any, get_type_hints

from alsolike.configuration.configuration import MAX_HISTORY_LENGTH
from alsolike.runtime.errors import InvalidInput
from operations import prices

HOURS = 730
"""Hours per month, as on AWS's price pages."""

MONTH_S = HOURS * 3600
DAYS = HOURS / 24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load of a shop, from which a bill is estimated. Properties are numbers per month, except for `interactions`."""

    users: Annotated[int, "Number of users with a live profile.", 0, 10**10]
    events_per_day: Annotated[int, "Events per day.", 0, 10**11]
    requests_per_day: Annotated[int, "Requests for recommendations per day.", 0, 10**11]
    items: Annotated[int, "Number of items in the catalogue.", 0, 10**9]
    events_per_call: Annotated[
        int, "Events per call of POST /events, at most 10; 1 if a browser does not gather them for some seconds.", 1, 10
    ] = 2
    item_changes_per_day: Annotated[
        int | None, "Stored or changed items and users per day. Default: a twentieth of the items.", 0, 10**10
    ] = None
    history_days: Annotated[int, "Retention of events in days.", 1, 3_650] = 365
    history_length: Annotated[
        int, "Value of limits.history_length. All profiles are assumed to be full.", 1, MAX_HISTORY_LENGTH
    ] = 100
    peak: Annotated[float, "Ratio of the load in the busiest second to the mean load.", 1, 1_000] = 3.0
    scrape_interval_s: Annotated[
        int | None, "Interval at which Prometheus reads GET /metrics. Default: none.", 15, 3_600
    ] = None
    kafka_percent: Annotated[
        int | None, "Share of events from Kafka, in percent. Default: all if the deployment reads a topic.", 0, 100
    ] = None
    signed_in_percent: Annotated[int, "Share of events with a user ID, in percent.", 0, 100] = 50
    static_percent: Annotated[int, "Share of lists that browsers rank from static lists, in percent.", 0, 100] = 0

    def __post_init__(self) -> None:
        for name, (_, minimum, maximum) in _annotations().items():
            value = getattr(self, name)
            if value is not None and not minimum <= value <= maximum:
                raise InvalidInput(f"{name} is {value:,}, expected {minimum:,} to {maximum:,}")

    @property
    def events(self) -> float:
        return self.events_per_day * DAYS

    @property
    def requests(self) -> float:
        """Number of requests for recommendations to the API."""
        return self.requests_per_day * (100 - self.static_percent) / 100 * DAYS

    @property
    def static_requests(self) -> float:
        """Number of lists that browsers rank from static lists."""
        return self.requests_per_day * DAYS - self.requests

    @property
    def scrapes(self) -> float:
        return MONTH_S / self.scrape_interval_s if self.scrape_interval_s else 0.0

    @property
    def event_calls(self) -> float:
        return (self.events - self.kafka_events) / self.events_per_call

    @property
    def kafka_events(self) -> float:
        return self.events * (self.kafka_percent or 0) / 100

    @property
    def user_events(self) -> float:
        return self.events * self.signed_in_percent / 100

    @property
    def changes(self) -> float:
        """Number of created or changed items and users."""
        return (self.items / 20 if self.item_changes_per_day is None else self.item_changes_per_day) * DAYS

    @property
    def interactions(self) -> float:
        """Number of events in the lake, which keeps them for `history_days`."""
        return float(self.events_per_day) * self.history_days


@functools.cache
def _annotations() -> dict[str, Any]:
    """Return the help text, minimum and maximum of each field of a load."""
    return {name: hint.__metadata__ for name, hint in get_type_hints(Load, include_extras=True).items()}


NO_LOAD = Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Charge per month.

    A fixed charge is due without any load. `unit_dollars` is the average price if the price has tiers.
    """

    service: str
    what: str
    quantity: float
    unit: str
    price: str
    unit_dollars: float
    dollars: float
    fixed: bool
    how: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Monthly bill.

    `idle_dollars` is the cost of the same deployment without any load: fixed lines and scheduled runs.
    """

    of: str
    load: Load
    lines: Sequence[Line]
    remarks: Sequence[str]
    free_tier: bool = False
    idle_dollars: float = 0.0

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in self.lines)

    @property
    def fixed_dollars(self) -> float:
        return sum(line.dollars for line in self.lines if line.fixed)

    @property
    def usage_dollars(self) -> float:
        return sum(line.dollars for line in self.lines if not line.fixed)

    @property
    def unverified(self) -> Sequence[str]:
        """Names of prices in the bill that no page confirmed."""
        used = {line.price for line in self.lines}
        return tuple(name for name, price in prices.TABLE.items() if name in used and not price.source)

    def by_service(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.service] = sums.get(line.service, 0.0) + line.dollars
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]))

    def to_json(self) -> dict[str, Any]:
        totals = ("dollars", "fixed_dollars", "usage_dollars", "idle_dollars")
        return {
            "of": self.of,
            "load": dataclasses.asdict(self.load),
            **{name: round(getattr(self, name), 4) for name in totals},
            "lines": [
                {**dataclasses.asdict(line), "quantity": round(line.quantity, 4), "dollars": round(line.dollars, 4)}
                for line in self.lines
            ],
            "by_service": {service: round(dollars, 4) for service, dollars in self.by_service().items()},
            "remarks": list(self.remarks),
            "prices": {
                "date": prices.DATE,
                "region": prices.REGION,
                "unverified": list(self.unverified),
                "free_tier": self.free_tier,
            },
        }


def remarks(ours: Bill, theirs: Bill) -> list[str]:
    remarks = [*ours.remarks, *(f"Personalize: {remark}" for remark in theirs.remarks)]
    if unverified := sorted({*ours.unverified, *theirs.unverified}):
        remarks.append(f"not confirmed by any page that could be read: the prices {', '.join(unverified)}")
    return remarks


class Meter:
    """Calculator of charges. Lines with the same price share the price's tiers and free amount."""

    def __init__(self, *, free_tier: bool) -> None:
        self._free_tier = free_tier
        self.lines: list[Line] = []
        self.remarks: list[str] = []

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in self.lines)

    def used(self, *names: str) -> float:
        return sum(line.quantity for line in self.lines if line.price in names)

    def add(
        self, what: str, quantity: float, price: str, how: str = "of the templates", *, fixed: bool = False
    ) -> None:
        if quantity <= 0:
            return
        before, unit = self.used(price), prices.TABLE[price]
        dollars, less = (prices.dollars(price, each, free_tier=self._free_tier) for each in (before + quantity, before))
        self.lines.append(
            Line(
                service=unit.service,
                what=what,
                quantity=quantity,
                unit=unit.unit,
                price=price,
                unit_dollars=(dollars - less) / quantity,
                dollars=dollars - less,
                fixed=fixed,
                how=how,
            )
        )

    def bill(self, of: str, load: Load, *, idle_dollars: float) -> Bill:
        return Bill(
            of=of,
            load=load,
            lines=tuple(sorted(self.lines, key=lambda line: not line.fixed)),
            remarks=tuple(self.remarks),
            free_tier=self._free_tier,
            idle_dollars=idle_dollars,
        )
