"""Summary of rule previews for many users."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alsolike.runtime.errors import InvalidInput
from operations.client.deployment import Deployment
from operations.client.stored_ids import stored_user_ids


@dataclasses.dataclass(slots=True)
class PreviewSummary:
    """Effect of rules on the lists of several users.

    Attributes
    ----------
    positions, origins
        Number of positions in the lists after the rules, in total and by origin.
    changed_positions, changed_users
        Number of positions with an item that was not in the list before, and number of users with such a position.
    unmet, degraded
        Number of users by rule that could not be met, and by part of the data that was missing or stale.
    """

    users: int = 0
    positions: int = 0
    changed_positions: int = 0
    changed_users: int = 0
    origins: Counter[str] = dataclasses.field(default_factory=Counter)
    unmet: Counter[str] = dataclasses.field(default_factory=Counter)
    degraded: Counter[str] = dataclasses.field(default_factory=Counter)
    before_is_live: bool = True

    def add(self, user_preview: Mapping[str, Any]) -> None:
        before = {item["itemId"] for item in user_preview["before"]}
        changed = sum(item["itemId"] not in before for item in user_preview["after"])
        self.users += 1
        self.positions += len(user_preview["after"])
        self.changed_positions += changed
        self.changed_users += changed > 0
        self.origins.update(item["origin"] for item in user_preview["after"])
        self.unmet.update(user_preview["unmetRules"])
        self.degraded.update(user_preview["degraded"])
        self.before_is_live = user_preview["beforeIsLive"]


def summarize(preview: Callable[[str], Mapping[str, Any]], user_ids: Iterable[str]) -> PreviewSummary:
    """Return the summary of the previews that `preview` returns for each user."""
    summary = PreviewSummary()
    for user_id in user_ids:
        summary.add(preview(user_id))
    return summary


def some_users(deployment: Deployment, number: int) -> list[str]:
    """Return the IDs of up to `number` users with a stored profile, in arbitrary order.

    Raises
    ------
    InvalidInput
        If no user has a profile, or the deployment stores hashes instead of IDs.
    """
    if deployment.names.pseudonymise_ids == "1":
        raise InvalidInput("the deployment stores hashes of user IDs, expected --user ID")
    if not (user_ids := list(itertools.islice(stored_user_ids(deployment), number))):
        raise InvalidInput("no user has a profile, expected imported interactions")
    return user_ids
