"""The load that a bill is for."""

from __future__ import annotations

import dataclasses

from alsolike.configuration import MAX_HISTORY_LENGTH
from alsolike.errors import InvalidInput

HOURS = 730
"""Hours per month, as on AWS's price pages."""

MONTH_S = HOURS * 3600
DAYS = HOURS / 24

# Field, least, most.
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
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A shop's load.

    Attributes
    ----------
    users
        Number of users with a live profile.
    events_per_call
        Per call of `POST /events`: a browser sends each by itself, a backend up to ten.
    item_changes_per_day
        Number of new and changed items and users; None for a twentieth of the items.
    history_days
        Number of days of events that the lake holds and a training reads.
    history_length
        Interactions per profile, `limits.history_length` of the configuration. Each profile is assumed to be full.
    peak
        Ratio of the busiest second to the mean, which determines shards and concurrency.

    Raises
    ------
    InvalidInput
        If a value is out of its range.
    """

    users: int
    events_per_day: int
    requests_per_day: int
    items: int
    events_per_call: int = 1
    item_changes_per_day: int | None = None
    history_days: int = 365
    history_length: int = 100
    peak: float = 3.0

    def __post_init__(self) -> None:
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InvalidInput(f"{name} is {value:,}, expected {least:,} to {most:,}")

    @property
    def events(self) -> float:
        """Events of a month."""
        return self.events_per_day * DAYS

    @property
    def requests(self) -> float:
        """Requests for recommendations of a month."""
        return self.requests_per_day * DAYS

    @property
    def event_calls(self) -> float:
        """Monthly calls with events."""
        return self.events / self.events_per_call

    @property
    def changes(self) -> float:
        """Items and users that are put or changed in a month."""
        daily = self.items / 20 if self.item_changes_per_day is None else self.item_changes_per_day
        return daily * DAYS

    @property
    def interactions(self) -> float:
        """Events that the lake holds."""
        return float(self.events_per_day) * self.history_days
