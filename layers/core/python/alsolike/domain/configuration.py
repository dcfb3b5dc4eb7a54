"""A shop's settings, from event types to limits, in one versioned document."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from alsolike.domain.aliases import Alias
from alsolike.domain.experiments import Experiment
from alsolike.domain.recommendation_id import RECOMMENDER_CODES
from alsolike.domain.rules import RuleSet
from alsolike.runtime.errors import UnknownEventType
from alsolike.runtime.struct import struct

PURCHASE = "purchase"
"""Event type of purchases."""

HISTORY_LENGTH, MAX_HISTORY_LENGTH = 100, 1_000
"""Interactions of a user that the live profile keeps and that a model sees at most."""


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


class ColumnType(StrEnum):
    """The types of a metadata column of items or users."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    TIMESTAMP = "timestamp"
    TEXT = "text"


@struct
class EventType:
    """A kind of interaction.

    Attributes
    ----------
    weight
        Of one interaction in training and ranking. With 0 it is only stored in the lake; below 0 it cancels the user's
        earlier interactions with the item (`alsolike.events.returns`).
    item_required
        True if it needs an item; a search may have a query instead.
    aliases
        Other spellings, in lower case.
    """

    name: str
    weight: float
    item_required: bool = True
    aliases: tuple[str, ...] = ()


@struct
class Recommender:
    """A recommender that requests name by the last segment of its ARN.

    Attributes
    ----------
    filter
        Name of the filter for requests that name none.
    rules
        Name of the rule set, unless an experiment's arm has another.
    swaps
        Share of the responses in which neighbours are in random order, from 0 to 1.
    """

    name: str
    filter: str | None = None
    rules: str | None = None
    swaps: float = 0.0


@struct
class Sessions:
    """Permissions of a browser that has a session's token, in addition to requests for recommendations.

    Attributes
    ----------
    events
        Types of events that it may send. By default, only the shop itself reports purchases.
    columns
        Columns of items, by property name, that answers may show.
    filters
        Filters that requests may name; recommenders' own apply in any case.
    """

    events: tuple[str, ...] = ("view", "click", "cart", "search")
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@struct
class Limits:
    """Bounds for ingestion, training and retention.

    Attributes
    ----------
    clock_skew_s
        Maximum lead of a time over the clock that checks it.
    max_event_age_days
        Maximum age of events at arrival; older ones are quarantined.
    minimum_item_interactions, minimum_user_interactions
        Items and users with fewer are excluded from datasets.
    history_length
        Maximum number of a user's latest interactions that the live profile holds and a model receives.
    retention_days
        Retention of interactions in the lake; None for ever.
    """

    clock_skew_s: int = 300
    max_event_age_days: int = 730
    minimum_item_interactions: int = 5
    minimum_user_interactions: int = 2
    history_length: int = HISTORY_LENGTH
    retention_days: int | None = None


_EVENTS = (
    EventType("view", 1.0),
    EventType("click", 1.0),
    EventType("cart", 3.0, aliases=("addtocart", "add_to_cart")),
    EventType(PURCHASE, 5.0),
    EventType("return", -5.0, aliases=("refund",)),
    EventType("search", 0.0, item_required=False),
)


# No slots: the cached properties need a place to be kept.
@dataclasses.dataclass(frozen=True)
class Configuration:
    """A valid configuration.

    Attributes
    ----------
    version
        Number of the applied version; 0 before the first one.
    events
        Event types by canonical name.
    item_columns, user_columns
        Declared columns by property name (camelCase). Others may be sent too, and are not checked.
    context
        Properties of interactions, by name (camelCase), that histories contain, such as the device.
    variants
        The item column, by property name, that variants of one product share; `title` also needs the same leaf
        category. None if every item is a product of its own.
    filters
        Filter expressions by name.
    recommenders
        All recommenders, by name; the document may change settings of each.
    aliases
        Campaigns and recommenders under the shop's own names, by name.
    created_aliases, created_filters, created_item_columns, created_user_columns
        Those that clients of Amazon Personalize created, also in `aliases`, `filters`, `item_columns` and
        `user_columns`; no document has them.
    """

    version: int = 0
    events: Mapping[str, EventType] = dataclasses.field(
        default_factory=lambda: MappingProxyType({event.name: event for event in _EVENTS})
    )
    item_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=_empty)
    user_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=_empty)
    context: tuple[str, ...] = ()
    variants: str | None = "title"
    filters: Mapping[str, str] = dataclasses.field(default_factory=_empty)
    recommenders: Mapping[str, Recommender] = dataclasses.field(
        default_factory=lambda: MappingProxyType({name: Recommender(name) for name in RECOMMENDER_CODES})
    )
    aliases: Mapping[str, Alias] = dataclasses.field(default_factory=_empty)
    rules: Mapping[str, RuleSet] = dataclasses.field(default_factory=_empty)
    experiments: Mapping[str, Experiment] = dataclasses.field(default_factory=_empty)
    sessions: Sessions = dataclasses.field(default_factory=Sessions)
    limits: Limits = dataclasses.field(default_factory=Limits)
    created_aliases: Mapping[str, Alias] = dataclasses.field(default_factory=_empty)
    created_filters: Mapping[str, str] = dataclasses.field(default_factory=_empty)
    created_item_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=_empty)
    created_user_columns: Mapping[str, ColumnType] = dataclasses.field(default_factory=_empty)

    @functools.cached_property
    def event_weights(self) -> Mapping[str, float]:
        """Weight of each event type that counts, or takes back."""
        return MappingProxyType({event.name: event.weight for event in self.events.values() if event.weight})

    def recommenders_with(self, rules: str) -> list[str]:
        """Return the recommenders that a rule set applies to, outside experiments."""
        return [recommender.name for recommender in self.recommenders.values() if recommender.rules == rules]

    @functools.cached_property
    def _spellings(self) -> Mapping[str, str]:
        return {alias: event.name for event in self.events.values() for alias in (event.name, *event.aliases)}

    def declares(self, event_type: str) -> bool:
        """Return true if an event type has this name, or an alias of this spelling."""
        return event_type in self._spellings or event_type.lower() in self._spellings

    def canonical_event_type(self, name: str, *, field: str = "eventType") -> str:
        """Return the event type's canonical name; case and declared spellings do not matter.

        Parameters
        ----------
        field
            What an error calls it.

        Raises
        ------
        UnknownEventType
            If the type is not declared.

        Examples
        --------
        >>> DEFAULT.canonical_event_type("AddToCart")
        'cart'
        """
        canonical = self._spellings.get(name) or self._spellings.get(name.lower())
        if canonical is None:
            raise UnknownEventType(f"{field} is {name!r}, expected one of {', '.join(self.events)}")
        return canonical


DEFAULT = Configuration()
"""The configuration before the first version is applied."""
