"""Notes of trials and operators in the champion pointer: the end of a trial, a hold, and their reasons."""

from __future__ import annotations

import datetime as dt

from alsolike.errors import InvalidInput
from alsolike.values import value_object


@value_object
class Ended:
    """The end of the latest trial, unless it promoted the version.

    Attributes
    ----------
    version, run_id
        Of the canary.
    reason
        The reason, from the trial or a person.
    breached
        True if the version failed a test.
    """

    version: str
    run_id: str
    reason: str
    breached: bool = False


@value_object
class Held:
    """A hold after a person's rollback: newer versions, which may have the same fault, wait for a person."""

    reason: str
    since_ms: int

    def __str__(self) -> str:
        since = f"{dt.datetime.fromtimestamp(self.since_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"held since {since}: {self.reason}; `alsolike models resume` lets new versions in again"


def check_reason(reason: str) -> None:
    """Raise an error for a blank reason.

    Raises
    ------
    InvalidInput
        If it is empty or blank.
    """
    if not reason.strip():
        raise InvalidInput(f"the reason is {reason!r}, expected words: it is kept, for whoever asks later")
