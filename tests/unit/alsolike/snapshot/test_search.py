"""Search of the catalogue by words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
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


def snapshot(*segments: list[Change]) -> Snapshot:
    return Snapshot([Segment.of(changes, COLUMNS) for changes in segments], version="v1")


CATALOGUE = snapshot([Change(item_id, 1, properties) for item_id, properties in ITEMS.items()])


def search(text: str, catalogue: Snapshot = CATALOGUE) -> set[str]:
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
def test_items_have_a_word_with_each_start_in_any_column(text: str, items: set[str]) -> None:
    assert search(text) == items


def test_latest_row_of_each_item_counts() -> None:
    new = [
        Change("red-shoe", 2, {"title": "Green boots"}),
        Change("blue-shoe", 2, None),
        Change("hat", 2, {"a": "Red"}),
    ]
    catalogue = snapshot([Change(item_id, 1, properties) for item_id, properties in ITEMS.items()], new)

    assert search("red", catalogue) == {"hat"}
    assert search("boots", catalogue) == {"red-shoe"}
    assert search("red", EMPTY) == set()


def test_words_are_distinct_and_limited() -> None:
    assert words_of("Red, red & RED_hat!") == ("red", "hat")
    assert words_of(" -*- ") == ()
    assert len(words_of(" ".join(map(str, range(20))))) == MAX_WORDS


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6))
def test_first_word_of_a_title_finds_its_item(titles: list[str]) -> None:
    catalogue = snapshot([Change(str(number), 1, {"title": title}) for number, title in enumerate(titles)])

    for number, title in enumerate(titles):
        for word in words_of(title)[:1]:
            written = title[: len(word)]  # Only ASCII letters match in any mix of upper and lower case.
            is_searchable = written.isascii() or written in (word, word.capitalize(), word.upper())
            if title.lower().startswith(word) and title.upper().lower() == title.lower() and is_searchable:
                assert str(number) in search(word, catalogue)
