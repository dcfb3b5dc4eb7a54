"""A shop's configuration, from event types to limits, stored as a versioned document."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from alsolike.configuration.aliases import Alias
from alsolike.configuration.experiments import Experiment
from alsolike.configuration.recommendation_id import RECOMMENDER_CODES
from alsolike.configuration.rules import RuleSet
from alsolike.runtime.errors import UnknownEventType
from alsolike.runtime.struct import struct

PURCHASE = "purchase"
"""Event type of purchases."""

HISTORY_LENGTH, MAX_HISTORY_LENGTH = 100, 1_000
"""Default and maximum number of a user's interactions in the live profile and in a model's input."""


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


class ColumnType(StrEnum):
    """Type of a metadata column of items or users."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    TIMESTAMP = "timestamp"
    TEXT = "text"


@struct
class EventType:
    """A type of interactions.

    Attributes
    ----------
    weight
        Weight of an interaction in training and ranking. Interactions with weight 0 are only stored in the lake. A
        negative weight cancels the user's earlier interactions with the item (`alsolike.events.returns`).
    item_required
        True if interactions must have an item. False for searches, for example, which can have a query instead.
    aliases
        Other spellings, in lower case.
    """

    name: str
    weight: float
    item_required: bool = True
    aliases: tuple[str, ...] = ()


@struct
class Recommender:
    """A recommender. Requests refer to it by the last segment of its ARN.

    Attributes
    ----------
    filter
        Name of the default filter of requests.
    rules
        Name of the rule set, which an arm of an experiment can replace.
    swaps
        Share of responses with neighbours in random order, from 0 to 1.
    """

    name: str
    filter: str | None = None
    rules: str | None = None
    swaps: float = 0.0


@struct
class Site:
    """Permissions of a site key, which is public: pages of its origins get session tokens with it.

    Attributes
    ----------
    recommenders
        The only ones that sessions of the key may read.
    """

    origins: tuple[str, ...]
    recommenders: tuple[str, ...]


@struct
class Sessions:
    """Permissions of browsers with a session token, in addition to requests for recommendations.

    Attributes
    ----------
    events
        Event types that browsers may send. By default, only the shop's backend may send purchases.
    columns
        Property names of item columns that responses may contain.
    filters
        Filters that requests may select. Default filters of recommenders always apply.
    sites
        Sites by their key.
    """

    events: tuple[str, ...] = ("view", "click", "cart", "search")
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    sites: Mapping[str, Site] = dataclasses.field(default_factory=_empty)


@struct
class Limits:
    """Bounds for ingestion, training and retention.

    Attributes
    ----------
    clock_skew_s
        Maximum number of seconds by which a time may be in the future.
    max_event_age_days
        Maximum age of events at arrival. Older events are quarantined.
    minimum_item_interactions, minimum_user_interactions
        Minimum number of interactions of an item and of a user in a dataset.
    history_length
        Maximum number of a user's latest interactions in the live profile and in a model's input.
    retention_days
        Retention of interactions in the lake, or None for no limit.
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


# No slots, because cached properties need `__dict__`.
@dataclasses.dataclass(frozen=True)
class Configuration:
    """A valid configuration.

    Attributes
    ----------
    version
        Number of the applied version, or 0 before the first version.
    events
        Event types by canonical name.
    item_columns, user_columns
        Types of declared columns by property name (camelCase). Undeclared columns are accepted without checks.
    context
        Names of properties of interactions (camelCase) that histories contain, such as the device.
    variants
        Property name of the item column with equal values for the variants of a product. For `title`, variants also
        have the same leaf category. None if every item is a separate product.
    filters
        Filter expressions by name.
    recommenders
        All recommenders by name. The document can change their settings.
    aliases
        Campaigns and recommenders by names of the shop.
    created_aliases, created_filters, created_item_columns, created_user_columns
        Entries of `aliases`, `filters`, `item_columns` and `user_columns` that clients of Amazon Personalize created.
        They are not in the document.
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
        """Nonzero weights by event type."""
        return MappingProxyType({event.name: event.weight for event in self.events.values() if event.weight})

    def recommenders_with(self, rules: str) -> list[str]:
        """Return the names of the recommenders with this rule set, without experiments."""
        return [recommender.name for recommender in self.recommenders.values() if recommender.rules == rules]

    def arms_with(self, rules: str, *, now_ms: int) -> list[str]:
        """Return the full names of the arms with this rule set, without those of ended experiments."""
        return [
            experiment.label(arm)
            for experiment in self.experiments.values()
            if experiment.status(now_ms) != "ended"
            for arm in experiment.arms
            if arm.rules == rules
        ]

    @functools.cached_property
    def _spellings(self) -> Mapping[str, str]:
        return {alias: event.name for event in self.events.values() for alias in (event.name, *event.aliases)}

    def declares(self, event_type: str) -> bool:
        """Return whether an event type has this name or alias."""
        return event_type in self._spellings or event_type.lower() in self._spellings

    def canonical_event_type(self, name: str, *, field: str = "eventType") -> str:
        """Return the canonical name of an event type, for any case and declared alias.

        Parameters
        ----------
        field
            Name of the field in errors.

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
"""Configuration before the first version is applied."""
