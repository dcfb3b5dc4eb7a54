"""By what rules an event counts for an answer, and the reasons for which it does not."""

from __future__ import annotations

import dataclasses
from enum import IntEnum, StrEnum
from types import MappingProxyType

DAY_MS = 86_400_000
POPULARITY_DAYS = 7
"""How popular an item was is told by the day of the answer and so many before it."""

LATE_DAYS = 7
"""Where events came after the window, copies of them are looked for on so many more days."""

DEFINITIONS = 3
"""Counts changes of what the numbers mean: with another one every day is computed anew."""


class Kind(IntEnum):
    """What an event about an item is to attribution."""

    CLICK = 0
    CART = 1
    PURCHASE = 2
    RETURN = 3


KINDS = MappingProxyType(
    {"click": Kind.CLICK, "view": Kind.CLICK, "cart": Kind.CART, "purchase": Kind.PURCHASE, "return": Kind.RETURN}
)
"""By canonical event type. A view that names an answer is of an item that was chosen from it; others say nothing here,
except what was shown."""


class Reason(StrEnum):
    """Why an event that names an answer does not count, in the order in which it is asked."""

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
class Rules:
    """What may differ between deployments.

    Attributes
    ----------
    new_item_days
        Items are new for this long after their `creationTimestamp`.
    clock_skew_ms
        An event may be so much earlier than its answer: clocks differ.
    """

    window_days: int = 7
    new_item_days: int = 30
    clock_skew_ms: int = 300_000

    @property
    def window_ms(self) -> int:
        """How long after its answer an event counts."""
        return self.window_days * DAY_MS

    @property
    def early_days(self) -> int:
        """On how many days before that of its answer an event may have happened."""
        return -(-self.clock_skew_ms // DAY_MS)

    def event_days(self, answer_day: int) -> range:
        """Return the days (since 1970) of which events may count for a day's answers."""
        return range(answer_day - self.early_days, answer_day + self.window_days + 1)

    def copy_days(self, answer_day: int, *, late: bool) -> range:
        """Return the days (since 1970) on which copies of the events of a day's results are looked for.

        An event that was received first is dated no later than the others were received, so that copies have to be
        looked for past the window only where an event came late.
        """
        return range(answer_day - POPULARITY_DAYS, answer_day + self.window_days + 1 + LATE_DAYS * late)

    def is_late(self, received_ms: int, answer_day: int) -> bool:
        """Say whether an event was received so late that one dated after the window may have been before it."""
        return received_ms + self.clock_skew_ms >= (answer_day + self.window_days + 1) * DAY_MS


def first_whole_day(now_ms: int, *, served_days: int, retention_days: int | None) -> int:
    """Return the first day (since 1970) of which nothing that its results follow from has expired.

    Parameters
    ----------
    served_days
        So long answers are kept.
    retention_days
        So long interactions are kept; None for ever.

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


def window_cut_days(retention_days: int | None, rules: Rules) -> int:
    """Return how many days before its window is over a day keeps what it has, as interactions expire; 0 for none.

    Examples
    --------
    >>> window_cut_days(15, Rules(window_days=7)), window_cut_days(10, Rules(window_days=7))
    (0, 5)
    """
    return 0 if retention_days is None else max(0, POPULARITY_DAYS + rules.window_days + 1 - retention_days)


def is_near(event_day: int, answer_day: int, rules: Rules) -> bool:
    """Say whether an event of one day (since 1970) is looked at for answers of another.

    One that is not is so early or late that its id alone says it.
    """
    return event_day in rules.event_days(answer_day)
