"""What trials and people leave in the champion pointer: how a trial ended, what is held, and why."""

from __future__ import annotations

import datetime as dt

from alsolike.errors import InvalidInput
from alsolike.values import value_object


@value_object
class Ended:
    """How the latest trial ended that did not end with the promotion of another version.

    Attributes
    ----------
    version, run_id
        Of the canary.
    reason
        Why, in the words of the trial or of a person.
    breached
        Whether its answers spoke against the version.
    """

    version: str
    run_id: str
    reason: str
    breached: bool = False


@value_object
class Held:
    """A person rolled back: what was trained since is not promoted by itself, for it may have learned the same."""

    reason: str
    since_ms: int

    def __str__(self) -> str:
        since = f"{dt.datetime.fromtimestamp(self.since_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"held since {since}: {self.reason}; `alsolike models resume` lets new versions in again"


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing.

    Raises
    ------
    InvalidInput
        If it is empty or blank.
    """
    if not reason.strip():
        raise InvalidInput(f"the reason is {reason!r}, expected words: it is kept, for whoever asks later")
