"""Configuration of a shop, from event types to limits. It is stored as a versioned document."""

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

_FOR_YOU = "for-you"

HISTORY_LENGTH, MAX_HISTORY_LENGTH = 100, 1_000
"""Default and maximum number of a user's interactions in the live profile and in the input of a model."""


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


class ColumnType(StrEnum):
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
        Weight of an interaction in training, ranking and trends. Interactions with weight 0 have no effect there. A
        negative weight reduces weights of the user's earlier interactions with the item (`alsolike.events.returns`).
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
class Fatigue:
    """Demotion of items that a user has seen without a reaction.

    Attributes
    ----------
    strength
        Exponent s. The score of an item is divided by its weighted sightings (`alsolike.profiles.impressions`), at
        least 1, to the power s.
    half_life_hours
        Age at which a sighting counts half.
    """

    strength: float
    half_life_hours: float

    @property
    def lifetime_ms(self) -> int:
        """Age in milliseconds after which a sighting no longer matters: five half-lives."""
        return round(5 * self.half_life_hours * 3_600_000)

    def factor(self, sightings: float) -> float:
        """Return the factor of an item's score: 1 up to one sighting.

        Examples
        --------
        >>> fatigue = Fatigue(strength=0.5, half_life_hours=24)
        >>> fatigue.factor(1), fatigue.factor(4)
        (1.0, 0.5)
        """
        return float(max(sightings, 1.0) ** -self.strength)


@struct
class Recommender:
    """Recommender with its settings. `name` is the last segment of the ARN in requests.

    Attributes
    ----------
    filter
        Name of the default filter of requests.
    rules
        Name of the rule set, which an arm of an experiment can replace.
    swaps
        Share of responses, from 0 to 1, in which adjacent items are swapped at random.
    fatigue
        Demotion of seen items, only for the recommender `for-you`; None for no demotion.
    """

    name: str
    filter: str | None = None
    rules: str | None = None
    swaps: float = 0.0
    fatigue: Fatigue | None = None


@struct
class Site:
    """Permissions of a site key. The key is public: pages of the origins request session tokens with it.

    Attributes
    ----------
    recommenders
        Recommenders that sessions of the key may use. All others are forbidden.
    """

    origins: tuple[str, ...]
    recommenders: tuple[str, ...]


@struct
class Sessions:
    """Permissions of browsers with a session token, in addition to requests for recommendations.

    Attributes
    ----------
    events
        Event types that browsers may send. By default, only the shop's backend may send purchases and returns.
    columns
        Property names of item columns that responses may contain.
    filters
        Filters that requests may select. Without a selection, the recommender's default filter applies.
    sites
        Sites by site key.
    """

    events: tuple[str, ...] = ("view", "click", "cart", "search")
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    sites: Mapping[str, Site] = dataclasses.field(default_factory=_empty)


@struct
class Limits:
    """Limits of ingestion, training and retention.

    Attributes
    ----------
    clock_skew_s
        Maximum number of seconds by which a time may be in the future.
    max_event_age_days
        Maximum age of events at arrival. Older events are quarantined.
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


# Without slots, because cached properties need `__dict__`.
@dataclasses.dataclass(frozen=True)
class Configuration:
    """Valid configuration of a shop.

    Attributes
    ----------
    version
        Number of the applied version, or 0 before the first version.
    item_columns, user_columns
        Types of declared columns by property name (camelCase). Undeclared columns are accepted without checks.
    context
        Names of interaction properties (camelCase) that are also stored in histories, such as the device.
    variants
        Property name of the item column whose equal values identify the variants of a product. For `title`, variants
        must also have the same leaf category. None if every item is a separate product.
    recommenders
        All recommenders by name. The document can change their settings.
    created_aliases, created_filters, created_item_columns, created_user_columns
        Aliases, filters and columns that clients of Amazon Personalize created, stored outside of the document.
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

    @property
    def fatigue(self) -> Fatigue | None:
        return self.recommenders[_FOR_YOU].fatigue

    def recommenders_with(self, rules: str) -> list[str]:
        """Return the names of the recommenders whose settings name this rule set. Arms of experiments do not count."""
        return [recommender.name for recommender in self.recommenders.values() if recommender.rules == rules]

    def arms_with(self, rules: str, *, now_ms: int) -> list[str]:
        """Return the full names of the arms with this rule set, except arms of ended experiments."""
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
        return event_type in self._spellings or event_type.lower() in self._spellings

    def canonical_event_type(self, name: str, *, field: str = "eventType") -> str:
        """Return the canonical name of an event type for its name or alias, ignoring case.

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
