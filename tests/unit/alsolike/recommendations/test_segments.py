"""Lines of segment jobs, in Amazon Personalize's format and in Alsolike's own."""

import json

import pytest

from alsolike.filters.parser import parse
from alsolike.recommendations.segments import output_line, parse_line
from alsolike.runtime.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ({"itemId": "105"}, 'INCLUDE ItemID WHERE Items.ITEM_ID IN ("105")'),
        (
            {"itemAttributes": 'ITEMS.genres = "Comedy" AND ITEMS.genres = "Action"'},
            'INCLUDE ItemID WHERE Items.genres IN ("Comedy") AND Items.genres IN ("Action")',
        ),
        (
            {"itemAttributes": '(Items.BRAND != "a" OR NOT Items.BRAND = "b") AND Items.PRICE < 20'},
            'INCLUDE ItemID WHERE (NOT Items.BRAND IN ("a") OR NOT Items.BRAND IN ("b")) AND Items.PRICE < 20',
        ),
    ],
)
def test_line_of_personalize_is_a_filter(line, expression):
    assert parse_line(line, "line 1").filter == parse(expression)


def test_line_with_a_filter_has_its_name_and_values():
    line = parse_line({"filter": "cheap", "filterValues": {"PRICE": "20"}}, "line 1")

    assert (line.filter, line.filter_name, line.values) == (None, "cheap", {"PRICE": ("20",)})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("105", 'line 3 is "105", expected an object'),
        ({}, "line 3 is {}, expected an object with itemId or itemAttributes or filter"),
        ({"itemId": "a", "filter": "b"}, "expected an object with itemId or itemAttributes or filter"),
        ({"itemId": ""}, 'line 3.itemId is "", expected a non-empty string'),
        ({"userId": "a"}, "line 3.userId"),
        ({"itemId": "a", "filterValues": {"A": "b"}}, "line 3 has filterValues without filter"),
        ({"itemAttributes": "genres"}, "line 3.itemAttributes is invalid after `INCLUDE ItemID WHERE`: character"),
        ({"itemAttributes": "CurrentUser.AGE > 3"}, "expected conditions on columns of Items"),
        ({"itemAttributes": 'Interactions.EVENT_TYPE IN ("a")'}, "expected conditions on columns of Items"),
        ({"itemAttributes": "Items.PRICE < $PRICE"}, "expected conditions on columns of Items"),
        ({"itemAttributes": "Items.A > 1 | EXCLUDE ItemID WHERE Items.A > 2"}, "expected conditions on columns of"),
    ],
)
def test_invalid_line_is_refused_with_the_expectation(line, problem):
    with pytest.raises(InvalidInput) as refused:
        parse_line(line, "line 3")

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ({"itemId": "105"}, {"input": {"itemId": "105"}, "output": {"recommendedUsers": ["106", "49"]}}),
        (
            {"itemAttributes": 'ITEMS.genres = "Comedy"'},
            {"itemAttributes": 'ITEMS.genres = "Comedy"', "output": {"recommendedUsers": ["106", "49"]}},
        ),
    ],
)
def test_output_line_has_the_format_of_the_recipe(line, output):
    written = output_line(parse_line(line, "line 1"), ["106", "49"])

    assert written.endswith(b"\n")
    assert json.loads(written) == output
