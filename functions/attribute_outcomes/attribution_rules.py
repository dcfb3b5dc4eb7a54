"""Rules for attributing an event to a response, and reasons for rejection."""

from __future__ import annotations

import dataclasses
from enum import IntEnum, StrEnum
from types import MappingProxyType

from alsolike.declarations import shared_defaults
from alsolike.declarations.times import CLOCK_SKEW_MS, DAY_MS

POPULARITY_DAYS = 7
"""Number of days before the day of a response over which item popularity is counted. The day itself counts too."""

LATE_DAYS = 7
"""Number of days after the attribution window that are searched for duplicates if an event arrived late."""

DEFINITIONS = 3
"""Version of the definitions of metrics. A new version makes the results of all days outdated."""


class Kind(IntEnum):
    CLICK = 0
    CART = 1
    PURCHASE = 2
    RETURN = 3


KINDS = MappingProxyType(
    {"click": Kind.CLICK, "view": Kind.CLICK, "cart": Kind.CART, "purchase": Kind.PURCHASE, "return": Kind.RETURN}
)
"""Kind by canonical event type. A view that references a response counts as a click. Other types only report
impressions."""


class Reason(StrEnum):
    """Reason for rejecting an event that references a response.

    Each reason counts events, but `SHOWN_NOT_SERVED` counts items of impressions, and `FORGED_ANSWER` counts responses.
    """

    SENT_AGAIN = "sent-again"
    FORGED = "forged"
    TOO_LATE = "too-late"
    BEFORE_SERVED = "before-served"
    UNKNOWN_ANSWER = "unknown-answer"
    UNVERIFIABLE = "unverifiable"
    OTHER_SHOPPER = "other-shopper"
    VALUE_OUT_OF_RANGE = "value-out-of-range"
    NOT_SERVED = "not-served"
    BEFORE_IMPRESSION = "before-impression"
    SHOWN_NOT_SERVED = "shown-not-served"
    FORGED_ANSWER = "forged-answer"


@dataclasses.dataclass(frozen=True, slots=True)
class AttributionRules:
    """Settings of attribution in a deployment.

    `new_item_days` is the number of days after `creationTimestamp` in which an item is new. `clock_skew_ms` is the
    maximum time by which an event may precede its response, because clocks differ.
    """

    window_days: int = shared_defaults.ATTRIBUTION_WINDOW_DAYS
    new_item_days: int = 30
    clock_skew_ms: int = CLOCK_SKEW_MS

    @property
    def window_ms(self) -> int:
        return self.window_days * DAY_MS

    @property
    def early_days(self) -> int:
        """Number of days before the day of a response in which its events may have occurred."""
        return -(-self.clock_skew_ms // DAY_MS)

    def event_days(self, answer_day: int) -> range:
        """Return the days (since 1970) whose events may count for responses of a day."""
        return range(answer_day - self.early_days, answer_day + self.window_days + 1)

    def copy_days(self, answer_day: int, *, late: bool) -> range:
        """Return the days (since 1970) that are searched for duplicates of the events in a day's results.

        The duplicate that was received first counts. Days after the attribution window are searched only if an event
        arrived late, because only then can a duplicate of a later date have been received before the event.
        """
        return range(answer_day - POPULARITY_DAYS, answer_day + self.window_days + 1 + LATE_DAYS * late)

    def is_late(self, received_ms: int, answer_day: int) -> bool:
        """Return true if a duplicate after the attribution window may have arrived before `received_ms`."""
        return received_ms + self.clock_skew_ms >= (answer_day + self.window_days + 1) * DAY_MS


def first_whole_day(now_ms: int, *, served_days: int, retention_days: int | None) -> int:
    """Return the first day (since 1970) whose inputs have not expired.

    `retention_days` is None if interactions do not expire.

    Examples
    --------
    >>> first_whole_day(100 * DAY_MS, served_days=30, retention_days=None)
    71
    >>> first_whole_day(100 * DAY_MS, served_days=30, retention_days=20)
    87
    """
    today = now_ms // DAY_MS
    first = today - served_days + 1
    return first if retention_days is None else max(first, today - retention_days + POPULARITY_DAYS)


def window_cut_days(retention_days: int | None, rules: AttributionRules) -> int:
    """Return the number of last days of the attribution window on which a day's results are not recomputed.

    On these days, interactions that the results depend on have already expired.

    Examples
    --------
    >>> window_cut_days(15, AttributionRules(window_days=7)), window_cut_days(10, AttributionRules(window_days=7))
    (0, 5)
    """
    return 0 if retention_days is None else max(0, POPULARITY_DAYS + rules.window_days + 1 - retention_days)
