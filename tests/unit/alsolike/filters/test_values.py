import pytest

from alsolike.filters.values import parse_values
from alsolike.runtime.errors import InvalidInput
from tests.unit.alsolike.filtered_items import SHOP, UNLISTED, Model


@pytest.fixture
def shop():
    return Model([*SHOP, UNLISTED], SHOP)


def test_parameter_values_come_from_the_request(shop):
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) OR Items.PRICE > $PRICE"

    for genre, price, expected in [
        ('"vegetable","fruit"', "9", ["fig", "leek"]),
        ('"none"', '"1.9"', ["fig", "soap"]),
        ('"none"', "2", ["fig"]),
    ]:
        values = {"GENRE": parse_values("GENRE", genre), "PRICE": parse_values("PRICE", price)}
        assert shop.passing(expression, values=values) == expected


def test_object_value_of_the_user_counts_as_missing(shop):
    user, values = {"prefers": {"genre": "fruit"}}, {"GENRE": ("fruit",)}

    included = shop.passing("INCLUDE ItemID WHERE CurrentUser.PREFERS IN ($GENRE)", user=user, values=values)
    excluded = shop.passing("EXCLUDE ItemID WHERE CurrentUser.PREFERS IN ($GENRE)", user=user, values=values)

    assert (included, excluded) == ([], [*SHOP, UNLISTED])


def test_exclude_without_its_parameter_does_not_apply(shop):
    expression = "EXCLUDE ItemID WHERE Items.GENRE IN ($A) | EXCLUDE ItemID WHERE Items.GENRE IN ($B)"

    assert shop.passing(expression, values={"A": ("fruit",)}) == ["leek", "soap", "bare", UNLISTED]


@pytest.mark.parametrize(
    ("condition", "values", "message"),
    [
        ("Items.GENRE IN ($A)", {"B": ("x",)}, "filterValues.B is not a parameter of filter "),
        ("Items.PRICE < $A", {"A": ("x",)}, 'filterValues.A is "x", expected a number, as Items'),
        ("Items.PRICE < $A", {"A": ("nan",)}, 'filterValues.A is "nan", expected a number'),
        ("Items.PRICE < $A", {"A": ("1_0",)}, 'filterValues.A is "1_0", expected a number'),
        ("Items.PRICE < $A", {"A": ("٣",)}, 'filterValues.A is "٣", expected a number'),
        ("Items.PRICE < $A", {"A": ("1", "2")}, "filterValues.A has 2 values, expected one"),
        ("Items.ORGANIC = $A", {"A": ("x",)}, 'filterValues.A is "x", expected true or false'),
        ('Items.PRICE IN ("x")', {}, 'compares Items.PRICE with "x", expected a number'),
        ("Items.GENRE < 3", {}, "compares Items.GENRE with <, expected IN, = or !=: it has texts"),
        ("Items.GENRE = 3", {}, "compares Items.GENRE with 3.0, expected a text"),
        ('Items.TAGS = "x"', {}, "compares Items.TAGS with =, expected IN: it has lists"),
        ("Items.PRICE < NOW", {}, "compares Items.PRICE with NOW, expected a number: it is not decl"),
        ("Items.GENRE = NOW", {}, "compares Items.GENRE with NOW, expected a text"),
        ("Items.ORGANIC = NOW", {}, "compares Items.ORGANIC with NOW, expected true or false"),
        (
            "Interactions.TIMESTAMP > NOW - $A DAYS",
            {"A": ("-1",)},
            'filterValues.A is "-1", expected a number of DAYS of at least 0',
        ),
        ("Interactions.TIMESTAMP > NOW - $A DAYS", {"A": ("x",)}, 'A is "x", expected a number of'),
        (
            "Interactions.TIMESTAMP > NOW - $A DAYS",
            {"A": ("1", "2")},
            "filterValues.A has 2 values, expected one: Interactions.TIMESTAMP is compared with it",
        ),
        ('Items.DESCRIPTION = "x"', {}, "Items.DESCRIPTION, a text column. Declare the column as str"),
    ],
)
def test_invalid_parameter_value_is_refused_with_its_name(shop, condition, values, message):
    with pytest.raises(InvalidInput) as caught:
        shop.passing(f"EXCLUDE ItemID WHERE {condition}", values=values)

    assert message in str(caught.value)


def test_include_without_its_parameter_is_refused(shop):
    with pytest.raises(InvalidInput, match=r"filterValues\.A is missing, expected a value: filter "):
        shop.passing("INCLUDE ItemID WHERE Items.GENRE IN ($A)", values={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"a","b"', ("a", "b")), (' "a, b" , "c\\"" ', ("a, b", 'c"')), ("a, b", ("a", "b")), ('""', ("",))],
)
def test_parameter_values_are_quoted_or_plain(text, expected):
    assert parse_values("P", text) == expected


@pytest.mark.parametrize(("text", "character"), [('"a', 1), ('"a" "b"', 1), ('"a",', 5), ('"a", b', 5)])
def test_incorrectly_quoted_values_are_refused_with_the_character(text, character):
    message = rf"filterValues\.P is .*, expected quoted values with commas .* invalid from character {character} on$"

    with pytest.raises(InvalidInput, match=message):
        parse_values("P", text)
