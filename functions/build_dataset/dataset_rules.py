"""Rules for the contents of a dataset, shared by both engines: pandas in one process, and Spark on several workers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import orjson

from alsolike.bundle.popular_groups import GROUPING
from alsolike.catalogue.actions import Action
from alsolike.catalogue.items import Item
from alsolike.catalogue.users import User
from alsolike.configuration.columns import as_declared
from alsolike.configuration.configuration import ColumnType, Configuration, EventType
from alsolike.events.interactions import USER_PREFIX
from alsolike.privacy.tombstones import IsErased
from alsolike.runtime.errors import UnknownEventType

LAKE_COLUMNS = (
    "event_id", "user_id", "session_id", "item_id", "event_type", "event_time_ms", "received_time_ms",
)  # fmt: skip
ACTION = "action"
"""Column with the properties of interactions with actions (`ACTION_TYPES`); null in other rows. The lake does not have
this column."""

ORDER = ("event_time_ms", "event_id", "profile_id")
"""Sort order of interactions, ascending. Returns are applied in this order, and datasets are written in it."""

CONTEXT = "context"
"""Column with the context of interactions, if the configuration declares context columns. The lake does not have this
column."""


@dataclasses.dataclass(frozen=True, slots=True)
class Minimum:
    """Minimum number of interactions per value of a column. Rows of rarer values are dropped."""

    reason: str
    column: str
    count: int


def minimums(configuration: Configuration) -> tuple[Minimum, ...]:
    limits = configuration.limits
    return (
        Minimum("rare_item", "item_id", limits.minimum_item_interactions),
        Minimum("short_history", "profile_id", limits.minimum_user_interactions),
    )


def canonical_types(event_types: Iterable[str], configuration: Configuration) -> dict[str, EventType]:
    """Return the declared event type of each name. Unknown names are skipped."""
    known = {}
    for name in event_types:
        try:
            known[name] = configuration.events[configuration.canonical_event_type(name)]
        except UnknownEventType:
            continue
    return known


def names_erased(profile: str, erased: IsErased) -> bool:
    return profile.startswith(USER_PREFIX) and erased(profile.removeprefix(USER_PREFIX))


def item_row(item: Item) -> tuple[str, str]:
    return item.item_id, orjson.dumps(dict(item.properties)).decode()


def action_row(action: Action) -> tuple[str, str]:
    return action.action_id, orjson.dumps(dict(action.properties)).decode()


def grouping_columns(configuration: Configuration) -> Mapping[str, ColumnType]:
    return {name: type_ for name, type_ in configuration.user_columns.items() if type_ in GROUPING}


def user_row(user: User, columns: Mapping[str, ColumnType]) -> tuple[str, str] | None:
    """Return None if the user has no value in `columns`."""
    known = {name: value for name, value in user.properties.items() if name in columns}
    return (user.user_id, orjson.dumps(as_declared(known, columns)).decode()) if known else None
