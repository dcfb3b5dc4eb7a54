"""Which events count, how much, and how much of a history is kept."""

from __future__ import annotations

from types import MappingProxyType

from alsolike.errors import InvalidInput

HISTORY_LENGTH = 100
"""Interactions of a user that the live profile keeps and that a model sees at most."""

EVENT_WEIGHTS = MappingProxyType({"view": 1.0, "click": 1.0, "cart": 3.0, "purchase": 5.0})
"""Weight of one interaction, by its canonical event type."""

EVENT_ALIASES = MappingProxyType({"addtocart": "cart", "add_to_cart": "cart"})
"""Other spellings in use, in lower case."""

MINIMUM_ITEM_INTERACTIONS = 5
"""Items with fewer interactions than this are left out of a dataset."""

MINIMUM_USER_INTERACTIONS = 2
"""Users with fewer interactions than this are left out of a dataset."""


def canonical_event_type(name: str, *, field: str = "eventType") -> str:
    """Return the event type's canonical name; case and Personalize's spellings do not matter.

    Parameters
    ----------
    field
        What an error calls it.

    Raises
    ------
    InvalidInput
        If the type is none of `EVENT_WEIGHTS`.

    Examples
    --------
    >>> canonical_event_type("AddToCart")
    'cart'
    """
    if name in EVENT_WEIGHTS:
        return name
    lowered = name.lower()
    canonical = EVENT_ALIASES.get(lowered, lowered)
    if canonical not in EVENT_WEIGHTS:
        raise InvalidInput(f"{field} is {name!r}, expected one of {', '.join(EVENT_WEIGHTS)}")
    return canonical
