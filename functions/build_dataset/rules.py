"""The contents of a dataset, defined once for both engines: pandas in one process and Spark on many."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import orjson

from alsolike.bundle.popular_groups import GROUPING
from alsolike.catalogue.actions import Action
from alsolike.catalogue.items import Item
from alsolike.catalogue.users import User
from alsolike.domain.columns import as_declared
from alsolike.domain.configuration import ColumnType, Configuration, EventType
from alsolike.events.interactions import USER_PREFIX
from alsolike.privacy.tombstones import IsErased
from alsolike.runtime.errors import UnknownEventType

LAKE_COLUMNS = (
    "event_id", "user_id", "session_id", "item_id", "event_type", "event_time_ms", "received_time_ms",
)  # fmt: skip
"""Columns of the lake that are read."""

ACTION = "action"
"""Properties of rows whose type is one of `ACTION_TYPES`; null in other rows. No column of the lake has this name."""

ORDER = ("event_time_ms", "event_id", "profile_id")
"""Order of the interactions, ascending: returns take back by it, and the dataset is written in it."""

CONTEXT = "context"
"""The interactions' context, if the configuration declares columns for it; no column of the lake either."""


@dataclasses.dataclass(frozen=True, slots=True)
class Minimum:
    """So many interactions each value of a column has, or its rows are left out.

    Attributes
    ----------
    reason
        Under which they are counted.
    """

    reason: str
    column: str
    least: int


def minimums(configuration: Configuration) -> tuple[Minimum, ...]:
    """Return the minimums in the order in which they are applied, again and again until all of them hold."""
    limits = configuration.limits
    return (
        Minimum("rare_item", "item_id", limits.minimum_item_interactions),
        Minimum("short_history", "profile_id", limits.minimum_user_interactions),
    )


def canonical_types(event_types: Iterable[str], configuration: Configuration) -> dict[str, EventType]:
    """Return the event type of each spelling that the configuration knows."""
    known = {}
    for name in event_types:
        try:
            known[name] = configuration.events[configuration.canonical_event_type(name)]
        except UnknownEventType:
            continue
    return known


def names_erased(profile: str, erased: IsErased) -> bool:
    """Return true if a profile is an erased user's."""
    return profile.startswith(USER_PREFIX) and erased(profile.removeprefix(USER_PREFIX))


def item_row(item: Item) -> tuple[str, str]:
    """Return the row of an item: also items without interactions have a title and can be filtered."""
    return item.item_id, orjson.dumps(dict(item.properties)).decode()


def action_row(action: Action) -> tuple[str, str]:
    """Return the row of an action."""
    return action.action_id, orjson.dumps(dict(action.properties)).decode()


def grouping_columns(configuration: Configuration) -> Mapping[str, ColumnType]:
    """Return the columns of users that are in a dataset: those that make groups, and no others."""
    return {name: type_ for name, type_ in configuration.user_columns.items() if type_ in GROUPING}


def user_row(user: User, columns: Mapping[str, ColumnType]) -> tuple[str, str] | None:
    """Return the row of a user with interactions; None if none of the `grouping_columns` is known of the user."""
    known = {name: value for name, value in user.properties.items() if name in columns}
    return (user.user_id, orjson.dumps(as_declared(known, columns)).decode()) if known else None
