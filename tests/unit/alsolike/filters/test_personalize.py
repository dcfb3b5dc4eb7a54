"""Expressions of Amazon Personalize are accepted with the same meaning.

The examples exclude filters of actions (ActionID) and of users (UserID), which are not supported.
"""

from typing import Any

import pytest

from alsolike.filters.values import parse_values
from tests.unit.alsolike.filtered_items import Event, Model

ITEMS: dict[str, dict[str, Any]] = {
    "fig": {"genre": "fruit", "tags": ["sweet", "soft"], "price": 3, "creationTimestamp": 300},
    "leek": {"genre": "vegetable", "tags": ["green"], "price": 2, "creationTimestamp": 200},
    "pear": {"genre": "fruit", "tags": ["green", "soft"], "price": 1, "creationTimestamp": 100},
}
EVENTS = (Event("fig", "Click", 10), Event("leek", "stream", 20))  # There is no interaction with the pear.

EXAMPLES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)", {"EVENT_TYPE": '"click"'}, ["leek", "pear"]),
    ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)", {"EVENT_TYPE": '"click","stream"'}, ["pear"]),
    ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)", {}, ["fig", "leek", "pear"]),
    ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "stream")', {}, ["pear"]),
    ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")', {}, ["fig"]),
    ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("CLICK")', {}, ["fig"]),
    ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', {}, ["fig", "leek"]),
    ('EXCLUDE itemId WHERE INTERACTIONS.event_type in ("*")', {}, ["pear"]),
    ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("click")', {}, ["fig"]),
    ("EXCLUDE ItemID WHERE Items.GENRE IN ($CATEGORY)", {"CATEGORY": '"fruit"'}, ["leek"]),
    ("INCLUDE ItemID WHERE Items.TAGS IN ($GENRE)", {"GENRE": '"sweet","green"'}, ["fig", "leek", "pear"]),
    ("INCLUDE ItemID WHERE Items.TAGS IN ($GENRE)", {"GENRE": "sweet, other"}, ["fig"]),
    ('INCLUDE ItemID WHERE Items.GENRE IN ("fruit","nuts") AND Items.TAGS IN ("sweet")', {}, ["fig"]),
    ('EXCLUDE ItemID WHERE Items.GENRE IN ("fruit") AND Items.TAGS NOT IN ("sweet")', {}, ["fig", "leek"]),
    ('INCLUDE ItemID WHERE Items.GENRE NOT IN ("Fruit")', {}, ["fig", "leek", "pear"]),
    ("INCLUDE ItemID WHERE Items.PRICE < 2", {}, ["pear"]),
    ("INCLUDE ItemID WHERE Items.PRICE <= $PRICE", {"PRICE": "2"}, ["leek", "pear"]),
    ("INCLUDE ItemID WHERE Items.PRICE > ($PRICE)", {"PRICE": '"2"'}, ["fig"]),
    ("INCLUDE ItemID WHERE Items.PRICE >= 2.0", {}, ["fig", "leek"]),
    ("INCLUDE ItemID WHERE Items.PRICE = $NUMBER_OF_DOWNLOADS", {"NUMBER_OF_DOWNLOADS": "3"}, ["fig"]),
    ("INCLUDE ItemID WHERE Items.PRICE != 3", {}, ["leek", "pear"]),
    ("INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP < $DATE", {"DATE": "200"}, ["pear"]),
    ('INCLUDE ItemID WHERE Items.GENRE IN ("vegetable") OR Items.PRICE = 1', {}, ["leek", "pear"]),
    # The current item of a request for related items is the leek.
    ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE", {}, ["pear"]),
    ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.TAGS IN CurrentItem.TAGS", {}, ["pear"]),
    ("INCLUDE ItemID WHERE Items.PRICE != CurrentItem.PRICE AND Items.CREATION_TIMESTAMP > $DATE", {"DATE": "100"},
     ["fig"]),
    # The user is 20 years old and has the membership gold.
    ("EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE) IF CurrentUser.AGE = $AGE", {"GENRE": '"fruit"', "AGE": "20"},
     ["leek"]),
    ("EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE) IF CurrentUser.AGE = $AGE", {"GENRE": '"fruit"', "AGE": "21"},
     ["fig", "leek", "pear"]),
    ('INCLUDE ItemID WHERE Items.GENRE IN ("fruit") AND Items.TAGS IN ("soft") IF CurrentUser.AGE > 18', {},
     ["fig", "pear"]),
    ("EXCLUDE ItemID WHERE Items.PRICE < 2 IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 30", {}, ["fig", "leek"]),
    ("INCLUDE ItemID WHERE Items.PRICE = 1 IF CURRENTUSER.MEMBERSHIP = $PREMIUM", {"PREMIUM": '"gold"'}, ["pear"]),
    ('INCLUDE ItemID WHERE Items.PRICE = 1 IF CurrentUser.MEMBERSHIP NOT IN ("gold")', {}, ["fig", "leek", "pear"]),
    ('INCLUDE ItemID WHERE Items.GENRE IN ($CATEGORY) | INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("stream")',
     {"CATEGORY": '"fruit"'}, ["fig", "leek", "pear"]),
    ('INCLUDE ItemID WHERE Items.GENRE IN ($G) | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click","stream")',
     {"G": '"fruit"'}, ["pear"]),
    ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click","stream") | INCLUDE ItemID WHERE Items.GENRE IN ($G)',
     {"G": '"fruit"'}, ["pear"]),
    ("EXCLUDE ItemID WHERE Items.PRICE = 1|EXCLUDE ItemID WHERE Items.PRICE = 2", {}, ["fig"]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "values", "expected"), EXAMPLES)
def test_personalize_expression_has_the_same_result(expression, values, expected):
    passing = Model(list(ITEMS), ITEMS).passing(
        expression,
        events=EVENTS,
        item=ITEMS["leek"],
        user={"age": 20, "membership": "gold"},
        values={name: parse_values(name, text) for name, text in values.items()},
    )

    assert passing == expected
