from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.item_tokens import item_tokens
from alsolike.snapshot.search import MAX_WORDS, words_of
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import EMPTY, Snapshot

COLUMNS = {
    "title": ColumnType.TEXT,
    "brand": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "sale": ColumnType.BOOLEAN,
}
ITEMS: dict[str, dict[str, Any]] = {
    "red-shoe": {"title": "Red shoes", "brand": "Acme", "tags": ["summer", "Sport"], "price": 20, "sale": True},
    "blue-shoe": {"title": "Blue shoes with red laces", "brand": "Zéta", "tags": "sport|street"},
    "bored": {"title": "Bored", "colour": "Blue", "brand": "Acme"},
    "empty": {},
}


def snapshot(*segments):
    return Snapshot([Segment.of(changes, COLUMNS) for changes in segments], version="v1")


CATALOGUE = snapshot([Change(item_id, 1, properties) for item_id, properties in ITEMS.items()])


def search(text, catalogue=CATALOGUE):
    mask = catalogue.matching(words_of(text))
    return {catalogue.item_id(row) for row in mask.nonzero()[0].tolist()}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("shoes", {"red-shoe", "blue-shoe"}),
        ("RED sho", {"red-shoe", "blue-shoe"}),
        ("acme", {"red-shoe", "bored"}),
        ("acme shoes", {"red-shoe"}),
        ("sport", {"red-shoe", "blue-shoe"}),
        ("summer", {"red-shoe"}),
        ("ZÉTA", {"blue-shoe"}),
        ("zeta", set()),
        ("hoes", set()),
        ("blue", {"blue-shoe", "bored"}),
        ("colour", set()),
        ("20", set()),
        ("missing", set()),
    ],
)
def test_items_have_a_word_with_each_start_in_any_column(text, items):
    assert search(text) == items


def test_latest_row_of_each_item_counts():
    new = [
        Change("red-shoe", 2, {"title": "Green boots"}),
        Change("blue-shoe", 2, None),
        Change("hat", 2, {"a": "Red"}),
    ]
    catalogue = snapshot([Change(item_id, 1, properties) for item_id, properties in ITEMS.items()], new)

    assert search("red", catalogue) == {"hat"}
    assert search("boots", catalogue) == {"red-shoe"}
    assert search("red", EMPTY) == set()


def test_words_are_distinct_and_limited():
    assert words_of("Red, red & RED_hat!") == ("red", "hat")
    assert words_of(" -*- ") == ()
    assert len(words_of(" ".join(map(str, range(20))))) == MAX_WORDS


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6))
def test_first_word_of_a_title_finds_its_item(titles):
    catalogue = snapshot([Change(str(number), 1, {"title": title}) for number, title in enumerate(titles)])

    for number, title in enumerate(titles):
        for word in words_of(title)[:1]:
            written = title[: len(word)]  # Non-ASCII letters do not match in every mix of upper and lower case.
            is_searchable = written.isascii() or written in (word, word.capitalize(), word.upper())
            if title.lower().startswith(word) and title.upper().lower() == title.lower() and is_searchable:
                assert str(number) in search(word, catalogue)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("Acme", {"c=acme"}),
        ("Crème brûlée", {"c=creme brulee", "c:creme", "c:brulee"}),
        ("a|B", {"c=a", "c=b"}),
        (["a", "b|d"], {"c=a", "c=b", "c=d"}),
        (True, {"c=true"}),
        (8, {"c~6"}),
        (8.4, {"c~6"}),
        (16.0, {"c~8"}),
        (0, {"c~0"}),
        (-3, {"c~-"}),
        (math.inf, {"c~-"}),
        (" -- ", set()),
        ("", set()),
        (None, set()),
        ({"a": 1}, set()),
        ([["a"]], set()),
    ],
)
def test_value_becomes_its_tokens(value, tokens):
    assert item_tokens({"c": value}) == tokens


def test_equal_values_of_different_columns_are_different_tokens():
    assert item_tokens({"brand": "red", "colour": "Red"}) == {"brand=red", "colour=red"}


def test_long_text_is_truncated():
    assert "c:late" not in item_tokens({"c": "word " * 1000 + "late"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_tokens_do_not_depend_on_the_order_of_properties(properties):
    backwards = dict(reversed(properties.items()))

    assert item_tokens(properties) == item_tokens(backwards)
