"""Event types and their weights."""

import pytest

from alsolike.configuration.configuration import DEFAULT, Configuration, EventType
from alsolike.runtime.errors import UnknownEventType


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("view", "view"),
        ("View", "view"),
        ("CLICK", "click"),
        ("AddToCart", "cart"),
        ("ADD_TO_CART", "cart"),
        ("Purchase", "purchase"),
        ("search", "search"),
    ],
)
def test_spellings_have_one_canonical_name(name, canonical):
    assert DEFAULT.canonical_event_type(name) == canonical


def test_event_types_without_a_weight_are_not_in_event_weights():
    assert DEFAULT.event_weights == {"view": 1, "click": 1, "cart": 3, "purchase": 5, "return": -5}


def test_declared_types_have_their_spellings():
    configuration = Configuration(events={"wish": EventType("wish", 2.0, aliases=("wishlist",))})

    assert configuration.canonical_event_type("WishList") == "wish"
    assert configuration.event_weights == {"wish": 2.0}


@pytest.mark.parametrize("name", ["", "rating", "view ", "vi\x00ew"])
def test_unknown_types_are_refused(name):
    with pytest.raises(
        UnknownEventType, match=r"^event is .*expected one of view, click, cart, purchase, return, search$"
    ):
        DEFAULT.canonical_event_type(name, field="event")
