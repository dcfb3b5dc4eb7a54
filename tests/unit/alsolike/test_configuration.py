"""Which events count, and how much."""

from __future__ import annotations

import pytest

from alsolike.configuration import EVENT_ALIASES, EVENT_WEIGHTS, canonical_event_type
from alsolike.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("view", "view"),
        ("View", "view"),
        ("CLICK", "click"),
        ("AddToCart", "cart"),
        ("ADD_TO_CART", "cart"),
        ("Purchase", "purchase"),
    ],
)
def test_spellings_have_one_canonical_name(name: str, canonical: str) -> None:
    assert canonical_event_type(name) == canonical


def test_every_alias_leads_to_a_type_with_a_weight() -> None:
    assert set(EVENT_ALIASES.values()) <= set(EVENT_WEIGHTS)
    assert dict(EVENT_WEIGHTS) == {"view": 1, "click": 1, "cart": 3, "purchase": 5}


@pytest.mark.parametrize("name", ["", "rating", "view ", "vi\x00ew"])
def test_other_types_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected one of view, click, cart, purchase$"):
        canonical_event_type(name)
