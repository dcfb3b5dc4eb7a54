import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.snapshot.item_tokens import item_tokens


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
def test_value_becomes_its_tokens(value: object, tokens: set[str]) -> None:
    assert item_tokens({"c": value}) == tokens


def test_equal_values_of_different_columns_are_different_tokens() -> None:
    assert item_tokens({"brand": "red", "colour": "Red"}) == {"brand=red", "colour=red"}


def test_long_text_is_truncated() -> None:
    assert "c:late" not in item_tokens({"c": "word " * 1000 + "late"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_tokens_do_not_depend_on_the_order_of_properties(properties: dict[str, Any]) -> None:
    backwards = dict(reversed(properties.items()))

    assert item_tokens(properties) == item_tokens(backwards)
