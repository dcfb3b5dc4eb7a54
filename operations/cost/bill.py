"""A monthly bill, its load, and the meter that adds its lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from alsolike.configuration.configuration import MAX_HISTORY_LENGTH
from alsolike.runtime.errors import InvalidInput
from operations.prices import Prices

HOURS = 730
"""Hours per month, as on AWS's price pages."""

MONTH_S = HOURS * 3600
DAYS = HOURS / 24

# Field name, minimum and maximum.
_RANGES = (
    ("users", 0, 10**10),
    ("events_per_day", 0, 10**11),
    ("requests_per_day", 0, 10**11),
    ("items", 0, 10**9),
    ("events_per_call", 1, 10),
    ("item_changes_per_day", 0, 10**10),
    ("history_days", 1, 3_650),
    ("history_length", 1, MAX_HISTORY_LENGTH),
    ("peak", 1, 1_000),
    ("scrape_interval_s", 15, 3_600),
    ("kafka_percent", 0, 100),
    ("signed_in_percent", 0, 100),
    ("static_percent", 0, 100),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load of a shop, from which a bill is estimated.

    Raises
    ------
    InvalidInput
        If a value is out of its range.
    """

    users: Annotated[int, "Number of users with a live profile."]
    events_per_day: Annotated[int, "Events per day."]
    requests_per_day: Annotated[int, "Requests for recommendations per day."]
    items: Annotated[int, "Number of items in the catalogue."]
    events_per_call: Annotated[
        int, "Events per call of POST /events, at most 10; 1 if a browser does not gather them for some seconds."
    ] = 2
    item_changes_per_day: Annotated[
        int | None, "Stored or changed items and users per day. Default: a twentieth of the items."
    ] = None
    history_days: Annotated[int, "Retention of events in days."] = 365
    history_length: Annotated[int, "Value of limits.history_length. All profiles are assumed to be full."] = 100
    peak: Annotated[float, "Ratio of the load in the busiest second to the mean load."] = 3.0
    scrape_interval_s: Annotated[int | None, "Interval at which Prometheus reads GET /metrics. Default: none."] = None
    kafka_percent: Annotated[
        int | None, "Share of events from Kafka, in percent. Default: all if the deployment reads a topic."
    ] = None
    signed_in_percent: Annotated[int, "Share of events with a user ID, in percent."] = 50
    static_percent: Annotated[int, "Share of lists that browsers rank from static lists, in percent."] = 0

    def __post_init__(self) -> None:
        for name, minimum, maximum in _RANGES:
            value = getattr(self, name)
            if value is not None and not minimum <= value <= maximum:
                raise InvalidInput(f"{name} is {value:,}, expected {minimum:,} to {maximum:,}")

    @property
    def events(self) -> float:
        """Number of events per month."""
        return self.events_per_day * DAYS

    @property
    def requests(self) -> float:
        """Number of requests for recommendations to the API per month."""
        return self.requests_per_day * (100 - self.static_percent) / 100 * DAYS

    @property
    def static_requests(self) -> float:
        """Number of lists that browsers rank from static lists per month."""
        return self.requests_per_day * DAYS - self.requests

    @property
    def scrapes(self) -> float:
        """Number of scrapes by Prometheus per month."""
        return MONTH_S / self.scrape_interval_s if self.scrape_interval_s else 0.0

    @property
    def event_calls(self) -> float:
        """Number of calls of POST /events per month."""
        return (self.events - self.kafka_events) / self.events_per_call

    @property
    def kafka_events(self) -> float:
        """Number of events from Kafka per month."""
        return self.events * (self.kafka_percent or 0) / 100

    @property
    def user_events(self) -> float:
        """Number of events with a user ID per month."""
        return self.events * self.signed_in_percent / 100

    @property
    def changes(self) -> float:
        """Number of created or changed items and users per month."""
        daily = self.items / 20 if self.item_changes_per_day is None else self.item_changes_per_day
        return daily * DAYS

    @property
    def interactions(self) -> float:
        """Number of events in the lake."""
        return float(self.events_per_day) * self.history_days


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One charge per month.

    Attributes
    ----------
    price
        Name of the price in the price table.
    unit_dollars
        Price of one unit. The average price if the price has tiers.
    fixed
        True if the charge is due without any load.
    how
        Explanation of the quantity.
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
    """A monthly bill.

    Attributes
    ----------
    of
        Subject of the bill, such as an environment.
    remarks
        Notes for the reader about costs that are not counted, and about resources that the load requires but the
        templates lack.
    unverified
        Names of prices in the bill that no price page confirmed.
    idle_dollars
        Cost of the same deployment without any load: fixed lines and scheduled runs.
    """

    of: str
    load: Load
    lines: Sequence[Line]
    remarks: Sequence[str]
    prices_date: str
    prices_region: str
    unverified: Sequence[str]
    free_tier: bool = False
    idle_dollars: float = 0.0

    @property
    def dollars(self) -> float:
        """Total of the month."""
        return sum(line.dollars for line in self.lines)

    @property
    def fixed_dollars(self) -> float:
        """Total of the fixed lines, which are due without any load."""
        return sum(line.dollars for line in self.lines if line.fixed)

    @property
    def usage_dollars(self) -> float:
        """Total of the lines that depend on the load."""
        return sum(line.dollars for line in self.lines if not line.fixed)

    def by_service(self) -> dict[str, float]:
        """Return dollars by service, the most expensive first."""
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.service] = sums.get(line.service, 0.0) + line.dollars
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]))

    def to_json(self) -> dict[str, Any]:
        """Return the bill as a JSON document. Dollars are rounded to four decimals."""
        return {
            "of": self.of,
            "load": dataclasses.asdict(self.load),
            "dollars": round(self.dollars, 4),
            "fixed_dollars": round(self.fixed_dollars, 4),
            "usage_dollars": round(self.usage_dollars, 4),
            "idle_dollars": round(self.idle_dollars, 4),
            "lines": [
                {**dataclasses.asdict(line), "quantity": round(line.quantity, 4), "dollars": round(line.dollars, 4)}
                for line in self.lines
            ],
            "by_service": {service: round(dollars, 4) for service, dollars in self.by_service().items()},
            "remarks": list(self.remarks),
            "prices": {
                "date": self.prices_date,
                "region": self.prices_region,
                "unverified": list(self.unverified),
                "free_tier": self.free_tier,
            },
        }


def remarks(bill: Bill, personalize: Bill) -> list[str]:
    """Return the remarks of both bills and the unconfirmed prices, one sentence each."""
    remarks = [*bill.remarks, *(f"Personalize: {remark}" for remark in personalize.remarks)]
    if unverified := sorted({*bill.unverified, *personalize.unverified}):
        remarks.append(f"not confirmed by any page that could be read: the prices {', '.join(unverified)}")
    return remarks


class Meter:
    """Calculator of charges. Lines with the same price name share the price's tiers and free amount."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._used: dict[str, float] = {}
        self.lines: list[Line] = []
        self.remarks: list[str] = []

    def add(self, service: str, what: str, quantity: float, price: str, how: str, *, fixed: bool = False) -> None:
        """Add a line, unless the quantity is 0."""
        if quantity <= 0:
            return
        before = self._used.get(price, 0.0)
        self._used[price] = before + quantity
        dollars = self._prices.dollars(price, before + quantity) - self._prices.dollars(price, before)
        self.lines.append(
            Line(
                service=service,
                what=what,
                quantity=quantity,
                unit=self._prices.table[price].unit,
                price=price,
                unit_dollars=dollars / quantity,
                dollars=dollars,
                fixed=fixed,
                how=how,
            )
        )

    def has(self, price: str) -> bool:
        """Return true if the price table contains a price."""
        return price in self._prices.table

    def remark(self, sentence: str) -> None:
        """Add a note for the reader of the bill."""
        self.remarks.append(sentence)

    def bill(self, of: str, load: Load, *, idle_dollars: float) -> Bill:
        """Return the bill of the added lines. Fixed lines come first."""
        used = [name for name in self._prices.table if name in self._used]
        order = sorted(self.lines, key=lambda line: not line.fixed)
        return Bill(
            of=of,
            load=load,
            lines=tuple(order),
            remarks=tuple(self.remarks),
            prices_date=self._prices.date,
            prices_region=self._prices.region,
            unverified=tuple(name for name in used if not self._prices.table[name].verified),
            free_tier=self._prices.free_tier,
            idle_dollars=idle_dollars,
        )
