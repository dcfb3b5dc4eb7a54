"""A monthly bill and its load."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from alsolike.configuration.configuration import MAX_HISTORY_LENGTH
from alsolike.runtime.errors import InvalidInput
from operations import prices

HOURS = 730  # per month, as on AWS's price pages
MONTH_S = HOURS * 3600
DAYS = HOURS / 24
LAKE_EVENT_BYTES = 60  # in Parquet


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load of a shop, from which a bill is estimated. Each field has a help text, a minimum and a maximum.

    The properties of this class are monthly numbers, except for `interactions` and `lake_gb`. Profiles that are
    read are assumed to have `history_length` interactions.
    """

    users: Annotated[int, "Number of users with stored properties.", 0, 10**10]
    events_per_day: Annotated[int, "Events per day.", 0, 10**11]
    requests_per_day: Annotated[int, "Requests for recommendations per day.", 0, 10**11]
    items: Annotated[int, "Number of items in the catalogue.", 0, 10**9]
    events_per_call: Annotated[int, "Events per call of POST /events; 1 if browsers do not gather them.", 1, 10] = 2
    item_changes_per_day: Annotated[int | None, "Changed items and users. Default: items / 20.", 0, 10**10] = None
    history_days: Annotated[int, "Retention of events in days.", 1, 3_650] = 365
    history_length: Annotated[int, "Value of limits.history_length.", 1, MAX_HISTORY_LENGTH] = 100
    peak: Annotated[float, "Ratio of the load in the busiest second to the mean load.", 1, 1_000] = 3.0
    scrape_interval_s: Annotated[int | None, "Interval of reads of GET /metrics. Default: none.", 15, 3_600] = None
    kafka_percent: Annotated[int | None, "Share of events from Kafka. Default: 100 with a topic.", 0, 100] = None
    signed_in_percent: Annotated[int, "Share of events with a user ID, in percent.", 0, 100] = 50
    static_percent: Annotated[int, "Share of lists that browsers rank from static lists, in percent.", 0, 100] = 0

    def __post_init__(self) -> None:
        for name, hint in type(self).__annotations__.items():
            (_, minimum, maximum), value = hint.__metadata__, getattr(self, name)
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
    def kafka_events(self) -> float:
        return self.events * (self.kafka_percent or 0) / 100

    @property
    def event_calls(self) -> float:
        return (self.events - self.kafka_events) / self.events_per_call

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

    @property
    def lake_gb(self) -> float:
        return self.interactions * LAKE_EVENT_BYTES / 1e9


Row = tuple[str, float, str, str]
"""Name of a charge, monthly quantity, name of its price, and source of the quantity."""

NO_LOAD = Load(users=0, events_per_day=0, requests_per_day=0, items=0, item_changes_per_day=0)


@dataclasses.dataclass(frozen=True, slots=True)
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


@dataclasses.dataclass(slots=True)
class Bill:
    """Monthly bill. Lines with the same price share the price's tiers and free amount.

    `idle_dollars` is the cost of the same deployment without any load: fixed lines and scheduled runs.
    """

    of: str
    load: Load
    free_tier: bool = False
    lines: list[Line] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)
    idle_dollars: float = 0.0

    def add(self, *rows: Row, fixed: bool = False) -> None:
        """Add a line per row with a positive quantity."""
        for what, quantity, price, how in rows:
            if quantity > 0:
                before, unit = self.used(price), prices.TABLE[price]
                dollars = prices.dollars(price, before + quantity, free_tier=self.free_tier)
                dollars -= prices.dollars(price, before, free_tier=self.free_tier)
                each = dollars / quantity
                self.lines.append(Line(unit.service, what, quantity, unit.unit, price, each, dollars, fixed, how))

    def used(self, *names: str) -> float:
        return sum(line.quantity for line in self.lines if line.price in names)

    @property
    def dollars(self) -> float:
        return self.fixed_dollars + self.usage_dollars

    @property
    def fixed_dollars(self) -> float:
        return sum(line.dollars for line in self.lines if line.fixed)

    @property
    def usage_dollars(self) -> float:
        return sum(line.dollars for line in self.lines if not line.fixed)

    @property
    def unverified(self) -> Sequence[str]:
        """Names of prices in the bill that no page confirmed."""
        return sorted({line.price for line in self.lines if not prices.TABLE[line.price].source})

    def by_service(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.service] = sums.get(line.service, 0.0) + line.dollars
        return dict(sorted(sums.items(), key=lambda pair: -pair[1]))

    def to_json(self) -> dict[str, Any]:
        totals = ("dollars", "fixed_dollars", "usage_dollars", "idle_dollars")
        lines = map(dataclasses.asdict, self.lines)
        return {
            "of": self.of,
            "load": dataclasses.asdict(self.load),
            **{name: round(getattr(self, name), 4) for name in totals},
            "lines": [{**line, **{name: round(line[name], 4) for name in ("quantity", "dollars")}} for line in lines],
            "by_service": {service: round(dollars, 4) for service, dollars in self.by_service().items()},
            "remarks": self.remarks,
            "prices": {
                "date": prices.DATE,
                "region": prices.REGION,
                "unverified": self.unverified,
                "free_tier": self.free_tier,
            },
        }


def remarks(ours: Bill, theirs: Bill) -> list[str]:
    remarks = [*ours.remarks, *(f"Personalize: {remark}" for remark in theirs.remarks)]
    if unverified := sorted({*ours.unverified, *theirs.unverified}):
        remarks.append(f"not confirmed by any page that could be read: the prices {', '.join(unverified)}")
    return remarks
