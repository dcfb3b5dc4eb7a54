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

    Positions are counted in the lists after the rules. A changed position has an item that was not in the list before.
    `unmet` and `degraded` count users.
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
    summary = PreviewSummary()
    for user_id in user_ids:
        summary.add(preview(user_id))
    return summary


def some_users(deployment: Deployment, number: int) -> list[str]:
    if deployment.names.pseudonymise_ids == "1":
        raise InvalidInput("the deployment stores hashes of user IDs, expected --user ID")
    if not (user_ids := list(itertools.islice(stored_user_ids(deployment), number))):
        raise InvalidInput("no user has a profile, expected imported interactions")
    return user_ids
